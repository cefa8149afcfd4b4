"""Reads the pages of docs/: their blocks of code, and the commands that they show."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs").glob("*.md"))
_MARKED = r"<!-- {} -->\n```{}\n(.*?)```"
_PROMPT_AND_ASSIGNMENTS = re.compile(r"^(\$ )?([A-Z_]+=\S+ )*")


def runs(text: str) -> dict[str, str]:
    """The blocks that are run, by name, in order: `<!-- run: name -->` above a python block."""
    return dict(re.findall(_MARKED.format(r"run: (\w+)", "python"), text, re.DOTALL))


def files(text: str) -> dict[str, str]:
    """The blocks that are files, by path: `<!-- file: path -->` above a block of any language."""
    return dict(re.findall(_MARKED.format(r"file: (\S+)", r"\w+"), text, re.DOTALL))


def walks(text: str) -> dict[str, list[str]]:
    """The commands that the walk-through gives, by name: `<!-- walk: name -->` above a sh block."""
    found = re.findall(_MARKED.format(r"walk: (\w+)", "sh"), text, re.DOTALL)
    return {name: _lines(block) for name, block in found}


def commands(text: str) -> list[list[str]]:
    """Every `marketsim` command of a page, in sh or console blocks and in indented ones, without comments."""
    blocks = re.findall(r"```(?:sh|console|bash)\n(.*?)```", text, re.DOTALL)
    indented = re.findall(r"(?:(?:^|(?<=\n))    [^\n]*\n)+", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    lines = [line for block in [*blocks, *indented] for line in _lines(block)]
    stripped = [_PROMPT_AND_ASSIGNMENTS.sub("", line) for line in lines]
    parts = [part.strip() for line in stripped for part in re.split(r"&&|\|", line)]
    return [shlex.split(part, comments=True)[1:] for part in parts if part.startswith("marketsim ")]


def _lines(block: str) -> list[str]:
    joined = re.sub(r"\\\n\s*", " ", block)
    return [line.strip() for line in joined.splitlines() if line.strip() and not line.strip().startswith("#")]

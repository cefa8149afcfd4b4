"""The seal of a store at rest: a file beside it with the hash of every page, so that no flipped byte goes unseen.

SQLite leaves bytes in a file that no row uses, and some of its header has no effect on reading. A checksum per row
covers neither; the seal covers every byte. It is written when a sweep ends, and taken away when one begins: a store
whose sweep was killed has none until it has been resumed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path

from experiments.sweep.cells import canonical, digest

PAGE = 4096
_ROW = re.compile(rb"([0-9a-f]{32})(?:done|failed)\{")


def seal_path(path: Path) -> Path:
    """Where the seal of a store is."""
    path = path.resolve()  # SQLite, too, keeps its log beside the file and not beside a link to it
    return path.with_name(path.name + ".seal")


def write_seal(path: Path) -> None:
    """Seal a store that nobody writes."""
    pages = _page_digests(path)
    text = canonical({"pages": pages, "digest": digest("".join(pages))})
    sealed = seal_path(path)
    beside = sealed.with_name(sealed.name + ".new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(sealed)


def remove_seal(path: Path) -> None:
    """Break the seal, before a store is written."""
    seal_path(path).unlink(missing_ok=True)


def broken_pages(path: Path) -> list[str] | None:
    """What differs from the seal, page by page, with the cells whose rows begin there; None if there is no seal."""
    try:
        text = seal_path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        return [f"the seal {seal_path(path)} is damaged"]
    try:
        sealed = json.loads(text)
        pages = [str(page) for page in sealed["pages"]]
    except (ValueError, KeyError, TypeError):
        return [f"the seal {seal_path(path)} is damaged"]
    if text != canonical({"pages": pages, "digest": digest("".join(pages))}):
        return [f"the seal {seal_path(path)} is damaged"]
    present = _page_digests(path)
    problems = [
        _said(path, number) for number, (was, now) in enumerate(zip(pages, present, strict=False), 1) if was != now
    ]
    if len(pages) != len(present):
        problems.append(f"the file has {len(present)} pages of {PAGE} bytes, and had {len(pages)} when it was sealed")
    return problems


def _page_digests(path: Path) -> list[str]:
    with path.open("rb") as file:
        return [hashlib.sha256(page).hexdigest()[:32] for page in iter(lambda: file.read(PAGE), b"")]


def cells_in(page: bytes) -> list[str]:
    """The ids of the cells whose rows begin in a page of a store."""
    return [name.decode() for name in _ROW.findall(page)]


def _said(path: Path, number: int) -> str:
    with path.open("rb") as file:
        file.seek((number - 1) * PAGE, os.SEEK_SET)
        names = cells_in(file.read(PAGE))
    holds = f"cells {', '.join(names)}" if names else "no cell's beginning"
    return f"page {number} (bytes {(number - 1) * PAGE} to {number * PAGE - 1}) was changed; it holds {holds}"

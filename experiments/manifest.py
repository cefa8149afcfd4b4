"""What made a folder of results: configuration, seeds, versions, plugins and hashes, as JSON without a date."""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.digests import file_digest, file_digests, installed_version
from marketsim.errors import InputError
from marketsim.registry import KINDS, plugins

_LIBRARIES = ("marketsim", "numpy", "pandas", "pyarrow", "attrs", "sortedcontainers", "scipy")


def table_digest(table: pd.DataFrame) -> str:
    """SHA-256 of a table's content, for comparing two runs of a study."""
    return hashlib.sha256(table.to_csv(index=False, float_format="%.17g").encode()).hexdigest()


def manifest(
    config: Mapping[str, Any],
    cells: pd.DataFrame,
    files: Iterable[Path],
    *,
    libraries: Iterable[str] = (),
) -> dict[str, Any]:
    """What made these results. It holds no date.

    Args:
        config: the study as nested tables, as its `to_dict` gives it.
        cells: the main table; its column `seed`, where it has one, names the seeds.
        files: result files to hash.
        libraries: names of distributions beside the core's whose versions matter.
    """
    seeds = sorted(int(seed) for seed in cells["seed"].unique()) if "seed" in cells else []
    return {
        "config": dict(config),
        "seeds": seeds,
        "cells": len(cells),
        "cells_digest": table_digest(cells),
        "python": platform.python_version(),
        "platform": f"{sys.platform} {platform.machine()}",
        "versions": {name: installed_version(name) for name in (*_LIBRARIES, *libraries)},
        "plugins": [
            {"kind": kind, "name": item.name, "target": item.target, "from": f"{item.distribution} {item.version}"}
            for kind in KINDS
            for item in plugins(kind)
        ],
        "files": file_digests(files),
    }


def write_manifest(path: Path, content: dict[str, Any]) -> None:
    """Write `content` as JSON, with its own SHA-256 as the last entry."""
    path.write_text(_text(content | {"digest": _digest(content)}), encoding="utf-8")


def damage(folder: Path) -> tuple[int, list[str]]:
    """How many files the manifest of `folder` lists, and what is wrong with them or with the manifest itself.

    Raises:
        InputError: there is no manifest, or it is none.
    """
    path = folder / "manifest.json"
    try:
        text = path.read_bytes().decode("utf-8")
        content = json.loads(text)
        files = dict(content["files"])
        digest = content.pop("digest")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path}: got {type(error).__name__}: {error}, wanted the manifest of a study") from error
    found = []
    if digest != _digest(content) or text != _text(content | {"digest": digest}):
        found.append(f"{path}: its text is not what was written")
    for name, wanted in files.items():
        file = folder / str(name)
        got = file_digest(file) if file.is_file() else "no such file"
        if got != wanted:
            found.append(f"{file}: got {got}, wanted SHA-256 {wanted}")
    return len(files), found


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(_text(content).encode()).hexdigest()


def _text(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2) + "\n"

"""What tells files and libraries apart: SHA-256 and versions. Every worker of a sweep imports it: no pandas here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_digests(paths: Iterable[Path]) -> dict[str, str]:
    """SHA-256 of files, by name."""
    return {path.name: file_digest(path) for path in paths}


def installed_version(distribution: str) -> str:
    """The version of an installed distribution, or "not installed"."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"

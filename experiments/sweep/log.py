"""What SQLite's write-ahead log no longer gives back: commits behind a frame that was changed.

SQLite reads a log up to the first frame whose checksum is wrong, and takes the rest for the torn end of a write. A
kill tears no more than the commit that was being written; a whole commit behind such a frame is one that was
reported, and then damaged. Format: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from experiments.sweep.seal import PAGE

_HEADER, _FRAME = 32, 24
_BIG_ENDIAN = 1


@frozen
class _Frame:
    salts: bytes
    commits: bool
    whole: bool
    page: bytes


def lost_pages(path: Path) -> list[bytes]:
    """The pages of the store's log that belong to whole commits and are not read any more; none if all is well."""
    log = path.resolve().with_name(path.resolve().name + "-wal")
    content = log.read_bytes() if log.is_file() else b""
    frames = list(_frames(content))
    broken = next((number for number, frame in enumerate(frames) if not frame.whole), len(frames))
    salts = frames[0].salts if broken == 0 and frames else content[16:24]  # the header's own may be what was changed
    # Behind the last commit lie frames of an older log, with other salts, or of a commit that was not finished.
    last = max((number for number, frame in enumerate(frames) if frame.commits and frame.salts == salts), default=-1)
    return [frame.page for frame in frames[broken : last + 1]]


def _frames(content: bytes) -> Iterator[_Frame]:
    if len(content) < _HEADER:
        return
    magic, size = *struct.unpack(">I", content[:4]), PAGE  # that of every store: the header's may be changed
    order = ">" if magic & _BIG_ENDIAN else "<"
    sums = _checksum(content[:24], order, (0, 0))
    whole = sums == struct.unpack(">2I", content[24:32])
    for start in range(_HEADER, len(content) - _FRAME - size + 1, _FRAME + size):
        head, page = content[start : start + _FRAME], content[start + _FRAME : start + _FRAME + size]
        if whole:  # each checksum goes on from the last: after one that is wrong no other is right
            sums = _checksum(head[:8] + page, order, sums)
            whole = head[8:16] == content[16:24] and sums == struct.unpack(">2I", head[16:])
        yield _Frame(head[8:16], head[4:8] != bytes(4), whole, page)


def _checksum(content: bytes, order: str, sums: tuple[int, int]) -> tuple[int, int]:
    one, two = sums
    words = iter(struct.unpack(f"{order}{len(content) // 4}I", content))
    for first, second in zip(words, words, strict=True):
        one = (one + first + two) & 0xFFFFFFFF
        two = (two + second + one) & 0xFFFFFFFF
    return one, two

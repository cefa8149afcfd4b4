"""The folder of results that a study on features leaves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from attrs import asdict

from experiments.prediction.verdict import Verdict


def as_json(content: Any) -> bytes:
    """JSON text; nan is an error."""
    return (json.dumps(content, indent=2, allow_nan=False) + "\n").encode()


def verdict_dict(verdict: Verdict, counts: Mapping[str, int]) -> dict[str, Any]:
    """The verdict with every check, and the rows it is from, as JSON can hold it."""
    checks = [asdict(check) | {"passed": check.passed} for check in verdict.checks]
    for check in checks:
        # JSON has no nan.
        check |= {key: check[key] if check[key] == check[key] else None for key in ("before", "after")}
    return {"verdict": verdict.said, "reasons": list(verdict.reasons), "rows": dict(counts), "checks": checks}


def write_results(out: Path, frames: Mapping[str, pd.DataFrame], contents: Mapping[str, bytes]) -> list[Path]:
    """Write tables as Parquet, by name, and files as they are into the folder `out`; the paths of all of them."""
    out.mkdir(parents=True, exist_ok=True)
    for name, frame in frames.items():
        frame.to_parquet(out / f"{name}.parquet", index=False)
    for name, content in contents.items():
        (out / name).write_bytes(content)
    return [out / f"{name}.parquet" for name in frames] + [out / name for name in contents]

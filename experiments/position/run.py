"""Runs a position-state study and leaves its results in a folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from attrs import asdict

from experiments.digests import file_digests
from experiments.manifest import manifest, write_manifest
from experiments.position.bars import source_of
from experiments.position.config import PositionStudy, dumps, to_dict
from experiments.position.findings import Findings, bars_table, dropped
from experiments.position.report import markdown, pictures_of, render
from experiments.position.schema import POSITION_FEATURES
from experiments.position.study import diagnose, tables_of
from experiments.position.verdict import too_few_rows, verdict_of
from experiments.position.words import LEAKAGE_POLICY
from experiments.prediction.results import as_json, verdict_dict, write_results

STAGES = 3


def find(
    study: PositionStudy,
    *,
    advance: Callable[[int], None] = lambda _finished: None,
    tell: Callable[[str], None] = lambda _said: None,
) -> Findings:
    """Look at the positions of a study and judge their state.

    Args:
        study: what is asked.
        advance: told after each of `STAGES` steps.
        tell: hears what is next.

    Raises:
        InputError: a file cannot be read, naming file, row and column.
    """
    tell("bars and entries")
    source = source_of(study)
    advance(1)
    tell("rows")
    tables = tables_of(study, source)
    advance(1)
    tell("models")
    short = too_few_rows(study, tables)
    if short is not None:
        return Findings(study, source, tables, None, short)
    diagnosis = diagnose(study, tables)
    advance(1)
    return Findings(study, source, tables, diagnosis, verdict_of(diagnosis))


def run(
    study: PositionStudy,
    out: Path,
    *,
    advance: Callable[[int], None] = lambda _finished: None,
    tell: Callable[[str], None] = lambda _said: None,
) -> Findings:
    """Run a study and leave its results in the folder `out`; the same study gives the same bytes.

    Written are the tables states, entries, adds, predictions, scores and gains as Parquet (those there is something
    for), schema.json, entry_model.json, verdict.json, the pictures, position.md, report.html, config.toml and
    manifest.json.
    """
    found = find(study, advance=advance, tell=tell)
    drawn = pictures_of(found)
    contents: dict[str, bytes] = {f"{name}.svg": content for name, content in drawn.items()}
    contents["schema.json"] = as_json([asdict(feature) for feature in POSITION_FEATURES])
    if found.tables.model is not None:
        contents["entry_model.json"] = as_json(found.tables.model.coefficients())
    counts = {f"{side}, {split}": count for (side, split), count in found.tables.counts.items()}
    contents["verdict.json"] = as_json(verdict_dict(found.verdict, counts))
    contents["config.toml"] = dumps(study).encode()
    contents["position.md"] = markdown(found, drawn).encode()
    contents["report.html"] = render(found, drawn).encode()
    files = write_results(out, frames_of(found), contents)
    write_manifest(out / "manifest.json", manifest_of(found, files))
    return found


def frames_of(found: Findings) -> dict[str, pd.DataFrame]:
    """The tables that a run leaves, by name."""
    frames = {"states": found.tables.states, "entries": found.tables.entries, "adds": found.source.entries.adds}
    if found.diagnosis is not None:
        diagnosis = found.diagnosis
        frames |= {"predictions": diagnosis.predictions, "scores": diagnosis.scores, "gains": diagnosis.gains}
    return {name: frame for name, frame in frames.items() if not frame.empty}


def manifest_of(found: Findings, files: list[Path]) -> dict[str, Any]:
    """What made the results: that of `experiments.manifest`, the data's hashes, and the leakage policy."""
    study, tables = found.study, found.tables
    made = manifest(to_dict(study), tables.states, files, libraries=("scikit-learn", "matplotlib"))
    if study.synthetic:
        made["seeds"] = [study.seed]
    made["data"] = {
        "files": file_digests(found.source.files),
        "symbols": bars_table(found).set_index("symbol")[["bars", "gaps", "negative_spreads"]].to_dict("index"),
        "entries": len(tables.entries),
        "adds": len(found.source.entries.adds),
        "frozen_ms": tables.frozen_ms,
    }
    made["feature_sets"] = {name: list(columns) for name, columns in tables.sets.items()}
    made["rows"] = dropped(found)
    made["verdict"] = found.verdict.said
    made["leakage_policy"] = list(LEAKAGE_POLICY)
    return made

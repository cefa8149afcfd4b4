"""Runs an order-flow imbalance study and leaves its results in a folder."""

from __future__ import annotations

from collections.abc import Callable
from math import isnan
from pathlib import Path
from typing import Any

import pandas as pd
from attrs import asdict

from experiments.digests import file_digests
from experiments.features.schema import FEATURES
from experiments.manifest import manifest, write_manifest
from experiments.ofi.config import SYNTHETIC, OfiStudy, dumps, to_dict
from experiments.ofi.data import recording_of
from experiments.ofi.money import COLUMNS, SHUFFLED, TRAINED, money_table
from experiments.ofi.regression import impact_pairs, impact_table
from experiments.ofi.report import Findings, markdown, pictures_of, render
from experiments.ofi.study import diagnose, tables_of
from experiments.ofi.verdict import too_few_rows, verdict_of
from experiments.ofi.words import LEAKAGE_POLICY, paired, per_run
from experiments.prediction.results import as_json, verdict_dict, write_results

STAGES = 3


def find(
    study: OfiStudy,
    *,
    jobs: int = 1,
    advance: Callable[[int], None] = lambda _finished: None,
    tell: Callable[[str], None] = lambda _said: None,
) -> Findings:
    """Look at the data of a study and judge the features.

    Args:
        study: what is asked.
        jobs: processes for the runs with money.
        advance: told after each of `steps_of` steps.
        tell: hears what is next.

    Raises:
        InputError: a file cannot be read, or no bucket can be used.
    """
    tell("recording")
    recording = recording_of(study)
    advance(1)
    tell("features")
    tables = tables_of(study, recording)
    pairs = impact_pairs(recording.events, study.bucket_ms)
    impact = impact_table(recording.frame, pairs)
    advance(1)
    tell("models")
    verdict = too_few_rows(study, tables.counts)
    diagnosis = None
    if verdict is None:
        diagnosis = diagnose(study, tables)
        verdict = verdict_of(diagnosis)
    advance(1)
    money = pd.DataFrame(columns=COLUMNS)
    if study.data == SYNTHETIC and diagnosis is not None and study.market.money_runs:
        tell("money")
        money = money_table(study, tables, jobs=jobs, advance=advance)
    return Findings(study, recording, tables, diagnosis, verdict, pairs, impact, money)


def steps_of(study: OfiStudy) -> int:
    """How often `find` calls `advance`, at most."""
    return STAGES + (2 * study.market.money_runs if study.data == SYNTHETIC else 0)


def run(
    study: OfiStudy,
    out: Path,
    *,
    jobs: int = 1,
    advance: Callable[[int], None] = lambda _finished: None,
    tell: Callable[[str], None] = lambda _said: None,
) -> Findings:
    """Run a study and leave its results in the folder `out`; the same study gives the same bytes.

    Written are the tables features, labels, predictions, scores, gains, impact and money as Parquet (those there is
    something for), schema.json, verdict.json, the pictures, ofi.md, report.html, config.toml and manifest.json.
    """
    found = find(study, jobs=jobs, advance=advance, tell=tell)
    drawn = pictures_of(found)
    contents: dict[str, bytes] = {f"{name}.svg": content for name, content in drawn.items()}
    contents["schema.json"] = as_json([asdict(feature) for feature in FEATURES])
    contents["verdict.json"] = as_json(verdict_dict(found.verdict, found.tables.counts) | money_dict(found.money))
    contents["config.toml"] = dumps(study).encode()
    contents["ofi.md"] = markdown(found, drawn).encode()
    contents["report.html"] = render(found, drawn).encode()
    files = write_results(out, frames_of(found), contents)
    write_manifest(out / "manifest.json", manifest_of(found, files))
    return found


def money_dict(money: pd.DataFrame) -> dict[str, Any]:
    """Mean profit a run on both models and their difference at the same seeds, tick-lots; null where none is known."""
    if money.empty:
        return {"money": None}
    profits = {TRAINED: per_run(money, TRAINED), SHUFFLED: per_run(money, SHUFFLED)}
    profits[f"{TRAINED} - {SHUFFLED}"] = paired(money)
    return {
        "money": {
            name: {"mean": each.mean, "se": None if isnan(each.se) else each.se, "runs": each.n}
            for name, each in profits.items()
        }
    }


def frames_of(found: Findings) -> dict[str, pd.DataFrame]:
    """The tables that a run leaves, by name."""
    frames = {"features": found.tables.features, "labels": found.tables.labels}
    if found.diagnosis is not None:
        frames["predictions"] = found.diagnosis.predictions
        frames |= {"scores": found.diagnosis.scores, "gains": found.diagnosis.gains}
    if not found.impact.empty:
        frames["impact"] = found.impact
    if not found.money.empty:
        frames["money"] = found.money
    return frames


def manifest_of(found: Findings, files: list[Path]) -> dict[str, Any]:
    """What made the results: that of `experiments.manifest`, the data's hashes, and the leakage policy."""
    study, libraries = found.study, ("scikit-learn", "matplotlib", "joblib")
    made = manifest(to_dict(study), found.tables.features, files, libraries=libraries)
    if study.data == SYNTHETIC:
        made["seeds"] = [study.seed, *sorted(int(seed) for seed in found.money["seed"].unique())]
    made["data"] = {
        "files": file_digests(found.recording.files),
        "snapshots": len(found.recording.frame),
        "trades": None if found.recording.tape is None else len(found.recording.tape),
        "bad_rows": len(found.recording.bad),
    }
    made["feature_sets"] = {name: list(columns) for name, columns in found.tables.sets.items()}
    made["rows"] = found.tables.counts
    made["verdict"] = found.verdict.said
    made["leakage_policy"] = list(LEAKAGE_POLICY)
    return made

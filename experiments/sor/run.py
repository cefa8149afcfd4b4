"""Runs a smart order router study and leaves its results in a folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from experiments.manifest import manifest, write_manifest
from experiments.quotes.tape import QuoteTape
from experiments.sor.compare import published_table
from experiments.sor.config import SorStudy, dumps, to_dict
from experiments.sor.figures import cost_curves
from experiments.sor.market import Decision, Episode, decisions_of, episode_of
from experiments.sor.report import Findings, render, summary
from experiments.sor.search import answers
from experiments.sor.study import Advance, run_study
from marketsim.errors import ConfigError

FACTORS = (0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
"""Prices lambda_u at which one placement is shown, in multiples of h + f."""


def find(
    study: SorStudy,
    tape: QuoteTape | None,
    *,
    jobs: int = 1,
    advance: Advance = lambda _finished: None,
    tell: Callable[[str], None] = lambda _said: None,
) -> Findings:
    """Run the executions and the tables beside them; `tell` hears what is next. See `run_study` for the arguments."""
    results = run_study(study, tape, jobs=jobs, advance=advance)
    tell("cost curves")
    decisions = decisions_of(study, tape)
    first = _first(study, tape, decisions, {label for label, _ in results.skipped})
    quotes = tape if tape is not None else None if first is None else first.quotes
    if quotes is None:
        label, reason = results.skipped[0]
        raise ConfigError(f"SorStudy.books: got no order at any of {len(decisions)} decisions; at {label}: {reason}")
    model = first is not None and len(first.sample) > 0
    return Findings(
        study,
        tape,
        results,
        published_table(quotes, float(study.quantity)),
        tuple(cost_curves(study, first)) if first is not None and model else (),
        tuple(answers(study, first, FACTORS)) if first is not None and model else (),
    )


def _first(
    study: SorStudy, tape: QuoteTape | None, decisions: tuple[Decision, ...], skipped: set[str]
) -> Episode | None:
    used = [decision for decision in decisions if decision.label not in skipped]
    return episode_of(study, tape, used[0]) if used else None


def run(
    study: SorStudy,
    out: Path,
    tape: QuoteTape | None,
    *,
    jobs: int = 1,
    advance: Advance = lambda _finished: None,
    tell: Callable[[str], None] = lambda _said: None,
) -> Findings:
    """Run a study and leave its results in the folder `out`; the same study gives the same bytes.

    Written are policies.parquet, children.parquet, search.parquet, summary.md, report.html, config.toml, manifest.json.
    """
    found = find(study, tape, jobs=jobs, advance=advance, tell=tell)
    out.mkdir(parents=True, exist_ok=True)
    results = found.results
    results.orders.to_parquet(out / "policies.parquet", index=False)
    results.children.to_parquet(out / "children.parquet", index=False)
    results.search.to_parquet(out / "search.parquet", index=False)
    (out / "config.toml").write_text(dumps(study), encoding="utf-8")
    (out / "summary.md").write_text(summary(found), encoding="utf-8")
    (out / "report.html").write_text(render(found), encoding="utf-8")
    names = ("policies.parquet", "children.parquet", "search.parquet", "summary.md", "report.html", "config.toml")
    write_manifest(out / "manifest.json", manifest_of(found, [out / name for name in names]))
    return found


def manifest_of(found: Findings, files: list[Path]) -> dict[str, Any]:
    """What made the results: that of `experiments.manifest`, and what became of the file's rows."""
    made = manifest(to_dict(found.study), found.results.orders, files, libraries=("joblib", "matplotlib"))
    if found.study.data == "synthetic":
        made["seeds"] = [found.study.first_seed + number for number in range(found.study.seeds)]
    if found.tape is not None:
        made["data"] = {
            "file": found.tape.name,
            "quotes": len(found.tape),
            "trades": len(found.tape.trade_times),
            "hidden_trades": found.tape.hidden,
            "repeated": found.tape.repeated,
            "bad_rows": len(found.tape.bad),
        }
    return made

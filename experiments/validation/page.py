"""What checks have found, as a table of lines and as a Markdown page with pictures."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import ndtr

from experiments.manifest import manifest, write_manifest
from experiments.validation import catalogue
from experiments.validation.check import Finding, Line, Scale

_COLUMNS = [
    "check",
    "line",
    "unit",
    "predicted",
    "measured",
    "standard_error",
    "samples",
    "allowed",
    "because",
    "holds",
    "sharp",
]

_HEAD = """# Theory against simulation

Problems whose answers are known, run through the same kernel, venues and agents as every other study. Nothing here has
a solver of its own: formulas give the predictions, the event loop the measurements.

`{command}` made this page: {said}

A line *holds* when the measurement lies within four standard errors of the prediction after what the formula itself
leaves open, which is said under its table, has been taken off; the column "away by" is before that. A comparison
without a standard error is exact. In a full run a standard error of 2 % of the prediction or more does not count as
agreement (*too wide*), where the answer is not zero. Every check has a test that breaks the engine on purpose and sees
it turn red (`tests/validation`).
"""


def verdict(line: Line, scale: Scale) -> str:
    """What a line says: "holds", "differs", or "too wide" for a full run whose band says too little."""
    if not line.holds:
        return "differs"
    return "too wide" if scale.full and not line.sharp else "holds"


def away(line: Line) -> str:
    """How far the measurement lies from the prediction: in standard errors where there is one."""
    difference = line.measured - line.predicted
    if line.error:
        return f"{difference / line.error:+.1f} s.e."
    return "exact" if abs(difference) <= 1e-9 else f"{difference:+.2g}"


def said(findings: Sequence[Finding]) -> str:
    """The closing sentences: how many comparisons there were, what does not hold, how many are far away."""
    lines = [line for finding in findings for line in finding.lines]
    failed = [finding.check for finding in findings if not finding.holds]
    answer = f"these do not hold: {', '.join(failed)}." if failed else "all hold."
    scores = np.array([abs(line.measured - line.predicted) / line.error for line in lines if line.error])
    two, three = (
        f"{(scores > far).sum()} lie more than {far} standard errors away ({2 * ndtr(-far) * len(scores):.1f} expected)"
        for far in (2, 3)
    )
    counted = f"Of the {len(scores)} with an error, {two} and {three}."
    return f"{len(findings)} checks, {len(lines)} comparisons; {answer} {counted}"


def frame(findings: Iterable[Finding]) -> pd.DataFrame:
    """One row for each line; a check that ended in an error has one row, which holds its words in place of a line."""
    rows: list[tuple[object, ...]] = []
    for finding in findings:
        if finding.failure:
            rows.append((finding.check, finding.failure, "", None, None, None, 0, None, "", False, False))
        rows += [(finding.check, *_values(line)) for line in finding.lines]
    return pd.DataFrame(rows, columns=_COLUMNS)


def _values(line: Line) -> tuple[object, ...]:
    numbers = (line.predicted, line.measured, line.error, line.samples, line.allowed)
    return (line.name, line.unit, *numbers, line.because, line.holds, line.sharp)


def write(findings: Sequence[Finding], out: Path) -> None:
    """Write validation.parquet, validation.md with its pictures, and manifest.json into the folder `out`."""
    out.mkdir(parents=True, exist_ok=True)
    table = frame(findings)
    table.to_parquet(out / "validation.parquet", index=False)
    pictures = _pictures(findings, out)
    (out / "validation.md").write_text(page(findings, pictures), encoding="utf-8")
    scale = findings[0].scale
    config = {"full": scale.full, "seed": scale.seed, "checks": [finding.check for finding in findings]}
    files = [out / name for name in ("validation.parquet", "validation.md", *pictures.values())]
    write_manifest(out / "manifest.json", manifest(config, table, files))


def _pictures(findings: Iterable[Finding], out: Path) -> dict[str, str]:
    """Draws into `out` what has a picture; file names by check."""
    made = {}
    for finding in findings:
        draw = catalogue.check(finding.check).draw
        if draw is not None and finding.lines:
            made[finding.check] = f"validation-{finding.check}.png"
            draw(finding.lines, str(out / made[finding.check]))
    return made


def page(findings: Sequence[Finding], pictures: Mapping[str, str]) -> str:
    """A Markdown page: what each check is about, in the words of its module, then its table and its picture.

    Args:
        findings: of one scale.
        pictures: addresses of pictures, by check.
    """
    scale, names = findings[0].scale, [finding.check for finding in findings]
    command = f"marketsim validate --{'full' if scale.full else 'quick'} --seed {scale.seed}"
    if names != list(catalogue.NAMES):
        command += "".join(f" --only {name}" for name in names)
    parts = [_HEAD.format(command=command, said=said(findings))]
    parts += [_section(finding, pictures.get(finding.check)) for finding in findings]
    return "\n".join(parts)


def _section(finding: Finding, picture: str | None) -> str:
    about = inspect.getdoc(catalogue.module(finding.check)) or ""
    parts = [f"## {finding.title}", f"`marketsim validate --only {finding.check}`", about.strip()]
    if finding.failure:
        parts.append(f"**Ended by an error.** {finding.failure}")
    if finding.lines:
        parts.append(_grid(finding))
        parts += [f"Left open by the formula: {reason}." for reason in _reasons(finding.lines)]
    if picture is not None:
        parts.append(f"![{finding.title}]({picture})")
    return "\n\n".join(parts) + "\n"


def _grid(finding: Finding) -> str:
    rows = [
        "| comparison | prediction | measurement | standard error | away by | observations | |",
        "|---|---|---|---|---|---|---|",
    ]
    for line in finding.lines:
        name = f"{line.name} ({line.unit})" if line.unit else line.name
        name = name.replace("|", "\\|")
        error = f"{line.error:.2g}" if line.error else ""
        numbers = f"{line.predicted:.6g} | {line.measured:.6g} | {error} | {away(line)} | {line.samples:,}"
        rows.append(f"| {name} | {numbers} | {verdict(line, finding.scale)} |")
    return "\n".join(rows)


def _reasons(lines: Iterable[Line]) -> list[str]:
    """Each reason once, in the order of the lines, with the most that it leaves open."""
    most: dict[str, float] = {}
    for line in lines:
        if line.because:
            most[line.because] = max(line.allowed, most.get(line.because, 0.0))
    return [f"at most {allowed:.2g} for {because}" for because, allowed in most.items()]

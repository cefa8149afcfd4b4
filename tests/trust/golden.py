"""The logs of one run per venue as they were when they were last accepted, and how to accept other ones.

`python -m tests.trust.golden "why they changed"` writes `golden.json` anew and keeps the reason with it. The file holds
a SHA-256 per log and a mark per row, the beginning of the SHA-256 of all rows up to it, so that the first row that
differs can be named.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from marketsim.fairvalue import (
    HistoricalPath,
    LatentFactorWalk,
    OrnsteinUhlenbeck,
    PoissonJumps,
    ProbabilityMartingale,
)
from marketsim.streams import Streams
from tests.trust.registered import VENUES
from tests.trust.worlds import rows, run

FILE = Path(__file__).with_name("golden.json")
SEED = 2024
STEPS = 200
_MARK = 4  # hexadecimal digits per row


def paths() -> dict[str, list[str]]:
    """A path of every drawn or recorded fair value in whole ticks, a line per step."""
    prices = {"A": 10_000.0}
    stream = Streams(SEED).stream
    tape = (list(range(0, 1100, 5)), [100.0 + (step * 37) % 11 / 4 for step in range(220)])
    fair: dict[str, Any] = {
        "latent-factor-walk": LatentFactorWalk.draw(stream("walk"), STEPS, ("A",), level=100.0),
        "ornstein-uhlenbeck": OrnsteinUhlenbeck.draw(
            stream("reversion"), STEPS, prices, mean_reversion=0.01, volatility=0.001
        ),
        "poisson-jumps": PoissonJumps.draw(stream("jumps"), STEPS, prices, jumps_per_step=0.05, size=25.0),
        "historical": HistoricalPath.from_arrays({"A": tape}, step=5, tick_size=0.25),
        "probability-martingale": ProbabilityMartingale.draw(
            stream("news"), STEPS, {"A": 0.3, "B": 0.5, "C": 0.2}, news_per_step=0.2, accuracy=0.4, resolves=STEPS - 20
        ),
    }
    return {
        f"fair value {name}": [str(round(truth.at("A", t))) for t in range(STEPS + 1)] for name, truth in fair.items()
    }


def logs() -> dict[str, list[str]]:
    """The lines of every log by its name; "venue" is that of the fills."""
    runs = {name: run(name, SEED) for name in VENUES}
    fills = {f"venue {name}": rows(result.fills) for name, result in runs.items()}
    orders = {f"orders {name}": rows(result.orders) for name, result in runs.items()}
    quotes = {f"quotes {name}": rows(result.quotes) for name, result in runs.items()}
    return fills | paths() | orders | quotes


def summary(lines: list[str]) -> dict[str, str]:
    """SHA-256 of the lines, and a mark per line."""
    running, marks = hashlib.sha256(), []
    for line in lines:
        running.update(f"{line}\n".encode())
        marks.append(running.hexdigest()[:_MARK])
    return {"sha256": running.hexdigest(), "marks": "".join(marks)}


def first_difference(lines: list[str], accepted: dict[str, str]) -> str:
    """Where `lines` part from the accepted ones, in words; empty where they do not."""
    now = summary(lines)
    if now["sha256"] == accepted["sha256"]:
        return ""
    before = [accepted["marks"][at : at + _MARK] for at in range(0, len(accepted["marks"]), _MARK)]
    marks = [now["marks"][at : at + _MARK] for at in range(0, len(now["marks"]), _MARK)]
    same = next((row for row, (one, two) in enumerate(zip(marks, before, strict=False)) if one != two), None)
    if same is None and len(marks) == len(before):
        return f"{len(lines)} rows, of which one has changed and no mark has: a chance of 1 in {16**_MARK} per row"
    row = min(len(marks), len(before)) if same is None else same
    last = f"after {lines[row - 1]!r}" if row else "at the beginning"
    came = repr(lines[row]) if row < len(lines) else "the end"
    wanted = "another row" if row < len(before) else "the end"
    return f"row {row + 1} of {len(before)}, {last}: got {came}, wanted {wanted}"


def accept(reason: str) -> None:
    """Write the logs of now as the accepted ones."""
    told = json.loads(FILE.read_text(encoding="utf-8")) if FILE.is_file() else {"changes": []}
    told = {"changes": [*told["changes"], reason], "logs": {name: summary(lines) for name, lines in logs().items()}}
    FILE.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2 or len(sys.argv[1].split()) < 3:
        sys.exit('wanted one argument, why the logs changed: python -m tests.trust.golden "the auction rounds down"')
    accept(sys.argv[1])

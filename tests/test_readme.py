"""The code in the README runs, and the objects it shows do what it says."""

from __future__ import annotations

import re
from pathlib import Path

from marketsim import Fill, Order, Rejected, Side

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks() -> dict[str, str]:
    return dict(re.findall(r"<!-- run: (\w+) -->\n```python\n(.*?)```", README, re.DOTALL))


def test_every_python_block_is_marked_to_run():
    assert README.count("```python") == len(blocks()) == 3


def test_the_code_runs(capsys):
    space: dict[str, object] = {"__name__": "readme"}
    for name in ("agent", "venue", "simulation"):
        exec(blocks()[name], space)  # noqa: S102 - our own text
    assert "wealth" in capsys.readouterr().out
    assert set(space["result"].fills.frame()["market"]) == {"ACME", "POSTED"}
    posted = space["PostedPrice"](("ACME",), 100)
    order = Order("ACME", Side.BUY, 3, 100, order_id=1, owner="ann")
    assert [type(report) for report in posted.submit(order, 0)] == [Fill, Fill]
    assert type(posted.submit(order._replace(price=99), 0)[0]) is Rejected


def test_the_code_of_the_routing_page_runs(capsys):
    page = (ROOT / "docs" / "routing.md").read_text(encoding="utf-8")
    [code] = re.findall(r"<!-- run: routing -->\n```python\n(.*?)```", page, re.DOTALL)
    exec(code, {"__name__": "routing"})  # noqa: S102 - our own text
    said = capsys.readouterr().out
    assert all(venue in said for venue in ("book", "auction", "pool"))


def test_lengths_are_as_promised():
    agent = [line for line in blocks()["agent"].splitlines() if line and not line.startswith(("from", "import"))]
    assert len(agent) <= 15
    assert len(blocks()["venue"].splitlines()) <= 40

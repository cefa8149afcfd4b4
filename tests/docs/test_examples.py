"""The scripts of examples/ run as they are, and end in a table or a picture."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.docs.pages import ROOT

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
SHOWS = {
    "first_market": ["continuous book", "batch auction, pi = 100", "sniper gains"],
    "own_agent": ["The kit passes it", "1 steps late", "51 steps late"],
    "own_venue": ["The kit passes it", "dealer", "investor"],
    "pi_sweep": ["pi_sweep.png", "maker", "wait"],
    "replay_trades": ["2000 trades replayed", "60 s late"],
}


def test_there_are_five_short_ones():
    assert [path.stem for path in EXAMPLES] == sorted(SHOWS)
    for path in EXAMPLES:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 60, path.name


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(path, tmp_path):
    command = [sys.executable, "-W", "error", str(path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for words in SHOWS[path.stem]:
        assert words in done.stdout
    if path.stem == "first_market":
        first_market_says_what_its_text_does(done.stdout)
    if path.stem == "pi_sweep":
        assert (tmp_path / "pi_sweep.png").read_bytes().startswith(b"\x89PNG")


def first_market_says_what_its_text_does(said: str) -> None:
    rows = {line[:23].strip(): [float(word) for word in line[23:].split()] for line in said.splitlines()[2:]}
    book, auction = rows["continuous book"], rows["batch auction, pi = 1"]
    assert book[1] < 0 < auction[1]  # the maker
    assert book[2] > 0 == auction[2]  # the snipers, who compete in a batch
    assert book[4] == 0 < auction[4]  # the wait

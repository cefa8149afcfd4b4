"""Downloads: whole, once, resumed, patient, and asked for as each exchange wants to be asked."""

from __future__ import annotations

import json
import sys
from itertools import pairwise
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.routing.live import DownloadError, Link, Patience, connect, download
from experiments.routing.live_cache import Shelf, union
from marketsim.errors import ConfigError, InputError
from tests.experiments.routing.exchanges import (
    HOUR,
    KINDS,
    SYMBOL,
    Bitstamp,
    Exchange,
    Kraken,
    NetworkError,
    Refusal,
    library,
    links,
    trade,
)

DAY = 20_000 * 24 * HOUR
START, END = DAY + HOUR - 5_000, DAY + 4 * HOUR + 5_000
RESPONSES = Path(__file__).parent / "responses"


def market(seed=0, size=60, quiet=2 * HOUR):
    """Trades before, in and after the window, some at one ms, none for a while in the middle."""
    draws = np.random.Generator(np.random.PCG64(seed))
    half = draws.integers(START - 30_000, START + HOUR // 2, size // 2)
    times = np.sort([*half, *draws.integers(START + HOUR // 2 + quiet, END + 20_000, size // 2)])
    times[5:8] = times[5]
    times[20:26] = times[20]
    return [trade(place + 1, int(ms) * 10**6 + place) for place, ms in enumerate(times)]


def wanted(trades, seconds=False):
    unit = 1000 if seconds else 1
    stamps = [(t["timestamp"] // unit * unit, t["price"]) for t in trades]
    return [pair for pair in stamps if START <= pair[0] < END]


def got(result, exchange):
    tape = result.tapes.trades[exchange]
    return [] if tape is None else list(zip(tape.times.tolist(), tape.prices.tolist(), strict=True))


def fetch(cache, *exchanges, attempts=4, **kwargs):
    open_link, opened = links(*exchanges, attempts=attempts)
    names = [name for name, _ in exchanges]
    settings = {"symbols": (SYMBOL,), "start": START, "end": END, "cache": cache, "open_link": open_link} | kwargs
    return download(names, **settings), opened


# Paging


@pytest.mark.parametrize("name", list(KINDS))
@pytest.mark.parametrize("size", [7, 8, 1000])
def test_every_trade_of_the_window_comes_once(tmp_path, name, size):
    trades = market()
    exchange = KINDS[name](trades, size=size, now=END + 60_000)
    result, _ = fetch(tmp_path, (name, exchange))
    assert got(result, name) == wanted(trades, seconds=name == "bitstamp")
    assert (result.gaps[name], result.failed, result.symbols[name]) == ([], {}, SYMBOL)
    assert result.calls[name] == len(exchange.calls)
    assert result.tapes.repeated == {name: 0}


@given(st.integers(0, 10**6), st.integers(7, 30), st.sampled_from(["binanceus", "kraken", "coinbaseexchange"]))
@settings(max_examples=15)
def test_paging_is_whole_for_any_trades_and_page(tmp_path_factory, seed, size, name):
    trades = market(seed, size=40)
    result, _ = fetch(tmp_path_factory.mktemp("cache"), (name, KINDS[name](trades, size=size)))
    assert got(result, name) == wanted(trades)
    assert result.gaps[name] == []


def test_each_exchange_is_asked_in_its_own_way(tmp_path):
    trades, now = market(), END + 60_000
    exchanges = {name: KINDS[name](trades, now=now) for name in KINDS}
    fetch(tmp_path, *exchanges.items())
    first = {name: exchange.calls[0] for name, exchange in exchanges.items()}
    assert first["binanceus"] == (START, 1000, {})
    assert first["kraken"] == (None, 1000, {"since": str(START * 10**6 - 1)})
    assert first["coinbaseexchange"] == (None, 1000, {})
    assert first["bitstamp"] == (None, None, {"time": "day"})
    assert len(exchanges["bitstamp"].calls) == 1


def test_an_hour_without_trades_is_no_end(tmp_path):
    trades = [trade(1, START * 10**6), trade(2, (END - 1) * 10**6)]
    result, _ = fetch(tmp_path, ("binanceus", Exchange(trades)))
    assert [time for time, _ in got(result, "binanceus")] == [START, END - 1]


def test_no_trades_at_all_is_whole_and_no_tape(tmp_path):
    for name in ("binanceus", "kraken", "coinbaseexchange"):
        result, _ = fetch(tmp_path, (name, KINDS[name]([])))
        assert result.tapes.trades == {name: None}
        assert result.gaps[name] == []


# Answers as the exchanges document them, read by ccxt itself


def documented(name):
    """A link to ccxt's own class for the exchange, whose answers come from a file; and what the file says."""
    told = json.loads((RESPONSES / f"{name}.json").read_text())
    link = connect(name)
    client, pages = link.exchange, list(told["pages"])
    client.enableRateLimit = False
    client.milliseconds = lambda: told["end"] + 1
    client.set_markets([client.safe_market_structure(told["market"] | {"spot": True, "type": "spot", "active": True})])

    def fetch_page(url, *_):
        page = pages.pop(0)
        query = {key: values[0] for key, values in parse_qs(urlparse(url).query).items()}
        assert query == page["query"]
        client.last_json_response, client.last_response_headers = page["body"], page["headers"]
        return page["body"]

    client.fetch = fetch_page
    return link, told, pages


@pytest.mark.parametrize("name", sorted(path.stem for path in RESPONSES.glob("*.json")))
def test_documented_answers_are_read_as_trades(tmp_path, name):
    pytest.importorskip("ccxt")
    link, told, unused = documented(name)
    assert connect(name).exchange.enableRateLimit is True
    result = download([name], [told["symbol"]], told["start"], told["end"], cache=tmp_path, open_link=lambda _: link)
    assert got(result, name) == [tuple(pair) for pair in told["trades"]]
    assert (unused, result.gaps[name], result.failed) == ([], [], {})


# Gaps


def test_what_bitstamp_no_longer_holds_is_a_gap(tmp_path):
    trades = market()
    now = START + HOUR // 4 + 24 * HOUR
    result, _ = fetch(tmp_path, ("bitstamp", Bitstamp(trades, now=now)))
    ((lower, upper),) = result.gaps["bitstamp"]
    held = [t["timestamp"] // 1000 * 1000 for t in trades if t["timestamp"] > now - 24 * HOUR]
    assert (lower, upper) == (START, held[0] + 1000)
    assert [time for time, _ in got(result, "bitstamp")] == [time for time in held if time < END]


def test_a_ms_with_more_trades_than_a_page_is_a_gap(tmp_path):
    trades = [trade(place, START * 10**6) for place in range(1, 151)] + [trade(151, (START + 9) * 10**6)]
    result, _ = fetch(tmp_path, ("binanceus", Exchange(trades, size=100)))
    assert len(got(result, "binanceus")) == 101
    assert result.gaps["binanceus"] == [(START, START + 1)]


# Cache


@pytest.mark.parametrize("name", list(KINDS))
def test_a_second_download_asks_for_nothing(tmp_path, name):
    trades, now = market(), END + 60_000
    first, opened = fetch(tmp_path, (name, KINDS[name](trades, now=now)))
    assert opened == [name]
    second, opened = fetch(tmp_path, (name, KINDS[name]([], now=now)))
    assert opened == []
    assert got(first, name) == got(second, name)
    inner, opened = fetch(tmp_path, (name, KINDS[name]([], now=now)), start=START + 1000, end=END - 1000)
    assert opened == []
    assert got(inner, name) == [pair for pair in got(first, name) if START + 1000 <= pair[0] < END - 1000]
    files = sorted(path.name for path in (tmp_path / name / "BTC-USD").iterdir())
    assert files[0].endswith("T00.parquet")
    assert len(files) == 5


@pytest.mark.parametrize("name", ["binanceus", "kraken", "coinbaseexchange"])
@pytest.mark.parametrize("broken", [1, 3, 5])
def test_a_download_that_broke_off_goes_on_where_it_stopped(tmp_path, name, broken):
    trades = market()
    exchange = KINDS[name](trades, errors=[None] * broken + [Refusal("banned")])
    other = ("bitstamp", Bitstamp(trades, now=END + 1000))
    result, _ = fetch(tmp_path, (name, exchange), other)
    assert list(result.failed) == [name]
    assert "refused with Refusal: banned" in result.failed[name]
    assert result.gaps[name]
    part, whole = got(result, name), wanted(trades)
    assert all(pair in whole for pair in part)
    # What is missing lies in a gap, also where a page ends among trades of one ms.
    assert all(any(lower <= t < upper for lower, upper in result.gaps[name]) for t, p in whole if (t, p) not in part)
    again = KINDS[name](trades)
    result, _ = fetch(tmp_path, (name, again), other)
    assert got(result, name) == whole
    assert result.gaps[name] == []
    fresh = KINDS[name](trades)
    fetch(tmp_path / "fresh", (name, fresh))
    assert len(again.calls) <= len(fresh.calls) - broken + 1


def test_a_longer_window_asks_only_for_what_is_new(tmp_path):
    trades = market()
    for name in ("binanceus", "kraken", "coinbaseexchange"):
        fetch(tmp_path, (name, KINDS[name](trades)), end=END - HOUR)
        exchange = KINDS[name](trades)
        result, _ = fetch(tmp_path, (name, exchange))
        assert got(result, name) == wanted(trades)
        if name == "binanceus":
            assert exchange.calls[0][0] == END - HOUR


def test_a_file_that_is_not_of_the_cache_is_refused(tmp_path):
    shelf = Shelf(tmp_path, SYMBOL)
    shelf.path(7).parent.mkdir()
    pd.DataFrame({"time_ms": [1]}).to_parquet(shelf.path(7))
    with pytest.raises(InputError, match=r"T07\.parquet: is no file of this cache"):
        shelf.missing(7 * HOUR, 8 * HOUR)
    (tmp_path / "binanceus").mkdir()
    (tmp_path / "binanceus" / "listed.json").write_text("{")
    with pytest.raises(InputError, match=r"listed\.json"):
        fetch(tmp_path, ("binanceus", Exchange([])))


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9)), max_size=8))
def test_union_covers_the_same_times(pairs):
    spans = [(lower, lower + size) for lower, size in pairs]
    joined = union(spans)
    assert {t for a, b in joined for t in range(a, b)} == {t for a, b in spans for t in range(a, b)}
    assert all(before[1] < after[0] for before, after in pairwise(joined))


# Patience


def test_failed_calls_are_tried_again_and_waits_grow(tmp_path):
    trades = market()
    exchange = Exchange(trades, errors=[NetworkError("slow"), NetworkError("slow"), NetworkError("slow")])
    result, _ = fetch(tmp_path, ("binanceus", exchange))
    assert got(result, "binanceus") == wanted(trades)
    # Never sooner than the exchange's own limit, 250 ms.
    assert exchange.slept == [0.25, 0.25, 0.4]


def test_patience_ends(tmp_path):
    exchange = Exchange(market(), errors=[NetworkError("down")] * 3)
    with pytest.raises(DownloadError, match="binanceus: failed 3 times, last with NetworkError: down"):
        fetch(tmp_path, ("binanceus", exchange), attempts=3)
    assert len(exchange.slept) == 2
    link = Link(
        name="x",
        exchange=exchange,
        retry_on=(NetworkError,),
        sleep=exchange.slept.append,
        patience=Patience(attempts=5, first_s=10.0, longest_s=30.0),
    )
    exchange.slept.clear()
    exchange.errors = [NetworkError("down")] * 5
    with pytest.raises(DownloadError):
        link.patiently(lambda: exchange.fetch_trades(SYMBOL, since=0))
    assert exchange.slept == [10.0, 20.0, 30.0, 30.0]


def test_an_answer_without_end_is_cut(tmp_path, monkeypatch):
    monkeypatch.setattr("experiments.routing.live.PAGES_MAX", 20)

    class Endless(Exchange):
        def page(self, since, limit, params):
            return [trade(since, since * 10**6), trade(since + 1, (since + 1) * 10**6)]

    with pytest.raises(DownloadError, match="more than 20 pages"):
        fetch(tmp_path, ("binanceus", Endless([])))


# Progress, symbols, refusals


def test_progress_rises_to_the_whole(tmp_path):
    for name in ("binanceus", "kraken", "coinbaseexchange"):
        told = []
        fetch(tmp_path, (name, KINDS[name](market())), progress=lambda *told_now, told=told: told.append(told_now))
        shares = [share for _, share, _ in told]
        assert shares == sorted(shares)
        assert shares[-1] == 1.0
        assert told[-1][0] == name
        assert told[-1][2] >= len(wanted(market()))


def test_the_first_symbol_that_is_listed_is_taken_and_different_money_is_said(tmp_path):
    usdt, usd = Exchange(market()), Kraken(market())
    usdt.load_markets = lambda: setattr(usdt, "markets", {"BTC/USDT": {}, "BTC/USD": {}})
    usdt.fetch_trades = lambda symbol, since, limit, params: usdt.page(since, limit, params)
    result, _ = fetch(tmp_path, ("binanceus", usdt), ("kraken", usd), symbols=("BTC/USDT", "BTC/USD"))
    assert result.symbols == {"binanceus": "BTC/USDT", "kraken": "BTC/USD"}
    assert not result.tapes.sources.fungible
    assert "USDT, USD" in result.tapes.sources.note
    _, opened = fetch(tmp_path, ("binanceus", usdt), ("kraken", usd), symbols=("BTC/USDT", "BTC/USD"))
    assert opened == []
    with pytest.raises(DownloadError, match="kraken: lists none of ETH/USD"):
        fetch(tmp_path, ("kraken", usd), symbols=("ETH/USD",))


def test_windows_that_cannot_be_are_refused(tmp_path):
    exchange = Exchange(market(), now=END - 1)
    with pytest.raises(ConfigError, match="wanted it to end by now"):
        fetch(tmp_path, ("binanceus", exchange))
    for start, end in ((END, START), (START, START), (0, END), (1.0, 2), (True, END)):
        with pytest.raises(ConfigError, match="got a window"):
            fetch(tmp_path, ("binanceus", exchange), start=start, end=end)


@pytest.mark.parametrize("wrong", [{"timestamp": None}, {"price": None}, {"price": float("nan")}, {"amount": -1.0}])
def test_a_trade_that_is_none_is_refused(tmp_path, wrong):
    trades = [trade(7, START * 10**6) | wrong]

    class Odd(Exchange):
        def page(self, since, limit, params):
            return trades

    with pytest.raises(DownloadError, match=r"binanceus, trade '7': got timestamp"):
        fetch(tmp_path, ("binanceus", Odd([])))


def test_connect_keeps_the_rate_limit_of_the_exchange():
    seen = {}

    class Client:
        rateLimit = 1000

        def __init__(self, options):
            seen.update(options)

        def sleep(self, ms):
            seen["slept_ms"] = ms

    link = connect("kraken", library=library(kraken=Client))
    assert seen["enableRateLimit"] is True
    link.sleep(1.5)
    assert seen["slept_ms"] == 1500
    with pytest.raises(ConfigError, match="got 'krakn'"):
        connect("krakn", library=library(kraken=Client))


def test_without_ccxt_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ccxt", None)
    with pytest.raises(ConfigError, match=r"live data needs ccxt .*pip install '\.\[live\]'"):
        connect("kraken")

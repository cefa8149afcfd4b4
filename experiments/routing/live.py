"""Recorded trades from exchanges, by ccxt: each exchange's own paging, retries, and a cache on disk.

A cache holds, by exchange, symbol and hour (UTC), the trades and the spans of time that are known to be whole. What is
whole is never asked for again, and a download that breaks off goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from attrs import define, field, frozen

from experiments.routing.live_cache import HOUR, Shelf, Span, length, listed, remember_listed
from experiments.routing.tapes import Feed, Sources, Tapes, read_tapes
from marketsim.checks import integer, name, number
from marketsim.errors import ConfigError, MarketsimError
from marketsim.extras import load
from marketsim.tape import TradeTape

PAGE = 1000
"""Trades asked for at once."""
FULL = 100
"""Fewest trades at which an exchange may have cut a page short, whatever was asked for."""
PAGES_MAX = 1000
"""Pages asked of one exchange in one download."""
_MS = 10**6

Progress = Callable[[str, float, int], None]
"""Told after each page: the exchange, the share of the window that is whole, and the trades that came so far."""
Page = tuple[pd.DataFrame, int, int]
"""Trades, and the span [from, to) in ms that is whole once they are kept; it is empty where from = to."""


class DownloadError(MarketsimError, RuntimeError):
    """An exchange that does not answer, or answers with something that is not a trade."""


@frozen(kw_only=True)
class Patience:
    """How often a failed call is tried, and how long is waited between: `first_s`, then `factor` times as long."""

    attempts: int = field(default=6, validator=integer(1))
    first_s: float = field(default=1.0, validator=number(0.0))
    factor: float = field(default=2.0, validator=number(1.0))
    longest_s: float = field(default=60.0, validator=number(0.0))


@frozen(kw_only=True)
class Link:
    """An exchange to ask.

    Args:
        name: as ccxt spells it.
        exchange: a ccxt exchange, or anything with `load_markets`, `markets`, `fetch_trades`, `milliseconds`,
            `rateLimit`, and, for kraken and coinbaseexchange, `last_json_response` and `last_response_headers`.
        retry_on: errors after which a call is tried again.
        give_up_on: errors by which an exchange refuses.
        sleep: waits so many seconds.
        patience: between tries.
    """

    name: str = field(validator=name)
    exchange: Any
    retry_on: tuple[type[Exception], ...]
    give_up_on: tuple[type[Exception], ...] = ()
    sleep: Callable[[float], None]
    patience: Patience = field(factory=Patience)

    def patiently(self, call: Callable[[], Any]) -> Any:
        """The answer to `call`, tried as often as patience has it, and never faster than the exchange allows.

        Raises:
            DownloadError: the exchange refused, or failed every time.
        """
        wait = self.patience.first_s
        for attempt in range(1, self.patience.attempts + 1):
            try:
                return call()
            except self.retry_on as error:
                if attempt == self.patience.attempts:
                    times = f"{attempt} times, last with {type(error).__name__}: {error}"
                    raise DownloadError(f"{self.name}: failed {times}; what came before is kept") from error
                self.sleep(max(min(wait, self.patience.longest_s), self.exchange.rateLimit / 1000))
                wait *= self.patience.factor
            except self.give_up_on as error:
                raise DownloadError(f"{self.name}: refused with {type(error).__name__}: {error}") from error
        raise DownloadError(f"{self.name}: was not asked")


def connect(exchange: str, *, library: Any = None) -> Link:
    """A link to an exchange of ccxt, which keeps the exchange's rate limit.

    Raises:
        ConfigError: ccxt is not installed, or does not know the exchange.
    """
    if library is None:
        library = load("ccxt", "live data", "live")
    if exchange not in library.exchanges:
        raise ConfigError(f"exchange: got {exchange!r}, wanted one that ccxt knows, such as 'kraken' or 'bitstamp'")
    options = {"enableRateLimit": True, "enableLastJsonResponse": True, "enableLastResponseHeaders": True}
    client = getattr(library, exchange)(options)
    return Link(
        name=exchange,
        exchange=client,
        retry_on=(library.NetworkError, library.BadResponse),
        give_up_on=(library.BaseError,),
        sleep=lambda seconds: client.sleep(seconds * 1000),
    )


@define
class _Asker:
    link: Link
    symbol: str
    calls: int = 0

    def ask(
        self, *, since: int | None = None, limit: int | None = PAGE, params: dict[str, str] | None = None
    ) -> pd.DataFrame:
        """One page: `time_ms`, `price`, `quantity`, `id`, oldest first."""
        if self.calls >= PAGES_MAX:
            raise DownloadError(f"{self.link.name}: wanted more than {PAGES_MAX} pages; what came before is kept")
        self.calls += 1
        fetch = self.link.exchange.fetch_trades
        trades = self.link.patiently(lambda: fetch(self.symbol, since=since, limit=limit, params=params or {}))
        rows = [_row(self.link.name, trade) for trade in trades or []]
        frame = pd.DataFrame(rows, columns=["time_ms", "price", "quantity", "id"])
        return frame.astype({"time_ms": "int64", "price": "float64", "quantity": "float64"})


def _row(exchange: str, trade: Any) -> tuple[int, float, float, str]:
    time, price, amount = trade.get("timestamp"), trade.get("price"), trade.get("amount")
    try:
        row = (int(time), float(price), float(amount))
    except (TypeError, ValueError, OverflowError):
        row = (0, 0.0, 0.0)
    if not all(0 < value < 2**61 for value in row):
        got = f"timestamp {time!r}, price {price!r}, amount {amount!r}"
        raise DownloadError(f"{exchange}, trade {trade.get('id')!r}: got {got}, wanted three numbers above 0")
    # kraken once sent no ids; then a trade is known by all it has.
    return *row, str(trade.get("id") or f"{row[0]}/{row[1]}/{row[2]}")


def _forward(asker: _Asker, start: int, end: int, _next_id: str | None) -> Iterator[Page]:
    """From `start` on. A page begins in the last ms of the page before it, of which there may be more trades."""
    since = start
    while since < end:
        page = asker.ask(since=since)
        # Some exchanges look no further than an hour from `since`: an empty page is not yet the end.
        last = since + HOUR if page.empty else int(page["time_ms"].max())
        if last > since:
            yield page, since, min(last, end)
            since = last
        else:
            # A full page of one ms may hide more of them, which cannot be asked for: that ms stays a gap.
            yield page, since, since + (len(page) < FULL)
            since += 1


def _kraken(asker: _Asker, start: int, end: int, _next_id: str | None) -> Iterator[Page]:
    """By kraken's own cursor in ns, `last`: ccxt would cut `since` to seconds."""
    since, cursor = start, max(start * _MS - 1, 0)
    while since < end:
        page = asker.ask(params={"since": str(cursor)})
        answer = asker.link.exchange.last_json_response or {}
        last = int(answer.get("result", {}).get("last", cursor))
        if page.empty or last <= cursor:
            yield page, since, end
            return
        whole = min(max(last // _MS, since), end)
        yield page, since, whole
        since, cursor = whole, last


def _coinbase(asker: _Asker, start: int, end: int, next_id: str | None) -> Iterator[Page]:
    """Backward from now, or from the trade `next_id` that is known to follow the window, by the cursor `cb-after`."""
    upper, cursor = end, next_id
    while True:
        page = asker.ask(params={"after": cursor} if cursor else None)
        if page.empty:
            yield page, start, upper
            return
        oldest = int(page["time_ms"].min())
        # Of the oldest ms there may be more trades on the next page.
        lower = min(start if oldest < start else oldest + 1, upper)
        yield page, lower, upper
        headers = {str(key).lower(): value for key, value in (asker.link.exchange.last_response_headers or {}).items()}
        after = headers.get("cb-after") or min(page["id"], key=int)
        if oldest < start or after == cursor:
            return
        upper, cursor = lower, str(after)


def _bitstamp(asker: _Asker, start: int, end: int, _next_id: str | None) -> Iterator[Page]:
    """One answer holds the last 24 hours, in whole seconds; what is before its second oldest second is out of reach."""
    page = asker.ask(limit=None, params={"time": "day"})
    oldest = end if page.empty else int(page["time_ms"].min())
    yield page, start if oldest < start else min(oldest + 1000, end), end


_PAGING = {"kraken": _kraken, "coinbaseexchange": _coinbase, "bitstamp": _bitstamp}


@frozen(kw_only=True, eq=False)
class Download:
    """What a download brought.

    Args:
        tapes: the trades in the window, by exchange; None where there are none.
        symbols: the symbol that each exchange has, of those wanted.
        gaps: spans [from, to) in ms of the window that could not be had.
        calls: pages asked for.
        failed: why an exchange could not be asked to the end.
    """

    tapes: Tapes
    symbols: dict[str, str]
    gaps: dict[str, list[Span]]
    calls: dict[str, int]
    failed: dict[str, str]


def download(
    exchanges: Sequence[str],
    symbols: Sequence[str],
    start: int,
    end: int,
    *,
    cache: str | Path,
    progress: Progress | None = None,
    open_link: Callable[[str], Link] = connect,
) -> Download:
    """The trades of a symbol at several exchanges in [start, end) ms, from the cache where it has them.

    Args:
        exchanges: as ccxt spells them.
        symbols: such as ("BTC/USDT", "BTC/USD"): each exchange's first of these that it lists.
        start, end: ms since 1970, in the past.
        cache: folder.
        progress: told after each page.
        open_link: gives the link to an exchange; asked only if something is missing.

    Raises:
        ConfigError: an empty window, or one that is not yet over.
        DownloadError: every exchange failed.
    """
    if type(start) is not int or type(end) is not int or not 0 < start < end:
        raise ConfigError(f"download: got a window from {start!r} to {end!r}, wanted ms, the end after the start")
    found: dict[str, tuple[str, Shelf, int]] = {}
    failed: dict[str, str] = {}
    for exchange in exchanges:
        try:
            found[exchange] = _download(exchange, symbols, (start, end), Path(cache), progress, open_link)
        except _BrokenOffError as broken:
            failed[exchange] = str(broken)
            if broken.shelf is not None:
                found[exchange] = (broken.symbol, broken.shelf, broken.calls)
    if len(failed) == len(exchanges):
        raise DownloadError("; ".join(failed.values()) or "got no exchange, wanted at least one")
    used = {exchange: symbol for exchange, (symbol, _, _) in found.items()}
    return Download(
        tapes=_tapes(exchanges, used, {exchange: shelf for exchange, (_, shelf, _) in found.items()}, (start, end)),
        symbols=used,
        gaps={exchange: shelf.missing(start, end) for exchange, (_, shelf, _) in found.items()},
        calls={exchange: calls for exchange, (_, _, calls) in found.items()},
        failed=failed,
    )


class _BrokenOffError(DownloadError):
    def __init__(self, message: str, symbol: str = "", shelf: Shelf | None = None, calls: int = 0) -> None:
        super().__init__(message)
        self.symbol, self.shelf, self.calls = symbol, shelf, calls


def _download(
    exchange: str,
    symbols: Sequence[str],
    window: Span,
    cache: Path,
    progress: Progress | None,
    open_link: Callable[[str], Link],
) -> tuple[str, Shelf, int]:
    start, end = window
    known = listed(cache / exchange)
    symbol = next((each for each in symbols if known.get(each)), None)
    link: Link | None = None
    if symbol is None or any(each not in known for each in symbols[: symbols.index(symbol)]):
        link = open_link(exchange)
        symbol = _choose(link, symbols, cache)
    shelf = Shelf(cache / exchange, symbol)
    missing = shelf.missing(start, end)
    if not missing:
        return symbol, shelf, 0
    asker = _Asker(link or open_link(exchange), symbol)
    try:
        _fill(asker, shelf, missing, window, progress)
    except DownloadError as error:
        raise _BrokenOffError(str(error), symbol, shelf, asker.calls) from error
    return symbol, shelf, asker.calls


def _choose(link: Link, symbols: Sequence[str], cache: Path) -> str:
    try:
        link.patiently(link.exchange.load_markets)
    except DownloadError as error:
        raise _BrokenOffError(str(error)) from error
    has = {symbol: symbol in link.exchange.markets for symbol in symbols}
    remember_listed(cache / link.name, has)
    for symbol, there in has.items():
        if there:
            return symbol
    raise _BrokenOffError(f"{link.name}: lists none of {', '.join(symbols)}")


def _fill(asker: _Asker, shelf: Shelf, missing: list[Span], window: Span, progress: Progress | None) -> None:
    now, (start, end) = int(asker.link.exchange.milliseconds()), window
    if end > now:
        raise ConfigError(f"download: got a window to {end} ms, wanted it to end by now, {now} ms at {asker.link.name}")
    trades = 0
    for lower, upper in missing:
        pages = _PAGING.get(asker.link.name, _forward)(asker, lower, upper, shelf.next_id(upper))
        for page, whole_from, whole_to in pages:
            inside = page[(page["time_ms"] >= start) & (page["time_ms"] < end)]
            shelf.add(inside, whole_from, whole_to)
            trades += len(inside)
            if progress is not None:
                progress(asker.link.name, 1 - length(shelf.missing(start, end)) / (end - start), trades)


def _tapes(exchanges: Sequence[str], used: dict[str, str], shelves: dict[str, Shelf], window: Span) -> Tapes:
    start, end = window
    feeds = tuple(
        Feed(
            path=str(file.resolve()), venue=exchange, time="time_ms", price="price", quantity="quantity", trade_id="id"
        )
        for exchange, shelf in shelves.items()
        for file in shelf.files(start, end)
    )
    quotes = list(dict.fromkeys(symbol.partition("/")[2] for symbol in used.values()))
    sources = Sources(
        feeds=feeds,
        symbol=", ".join(dict.fromkeys(used.values())),
        fungible=len(quotes) == 1,
        note="" if len(quotes) == 1 else f"Prices are in different money: {', '.join(quotes)}.",
    )
    read = read_tapes(sources, "/")
    trades = {exchange: _clip(read.trades.get(exchange), start, end) for exchange in exchanges}
    return Tapes(trades=trades, sources=sources, repeated=read.repeated)


def _clip(tape: TradeTape | None, start: int, end: int) -> TradeTape | None:
    if tape is None:
        return None
    first, last = tape.times.searchsorted([start, end])
    if first == last:
        return None
    part = slice(int(first), int(last))
    quantities = None if tape.quantities is None else tape.quantities[part]
    return TradeTape(
        tape.times[part], tape.prices[part], quantities, name=tape.name, columns=tape.columns, rows=tape.rows[part]
    )

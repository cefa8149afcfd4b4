"""Exchanges that page as the real ones do, over trades that are known, without a network."""

from __future__ import annotations

from types import SimpleNamespace

from experiments.routing.live import Link, Patience

HOUR = 3_600_000
SYMBOL = "BTC/USD"


class NetworkError(Exception):
    """As ccxt's, of which BadResponse and the limit of the rate are told apart here."""


class Refusal(Exception):
    pass


def trade(number, ns, price=100.0):
    return {"id": str(number), "ns": ns, "timestamp": ns // 10**6, "price": price + number % 7, "amount": 1.0 + number}


class Exchange:
    """Trades from `since` on, no more than `size` at once, at most an hour of them."""

    rateLimit = 250

    def __init__(self, trades, size=7, now=10**15, errors=()):
        self.trades, self.size, self.now, self.errors = trades, size, now, list(errors)
        self.markets, self.calls, self.slept = {}, [], []
        self.last_json_response = self.last_response_headers = None

    def load_markets(self):
        self.markets = {SYMBOL: {}}

    def milliseconds(self):
        return self.now

    def fetch_trades(self, symbol, since=None, limit=None, params=None):
        assert symbol == SYMBOL
        self.calls.append((since, limit, params))
        if self.errors and (error := self.errors.pop(0)):
            raise error
        return self.page(since, limit, params or {})

    def page(self, since, limit, params):
        within = [t for t in self.trades if since <= t["timestamp"] <= since + HOUR]
        return within[: min(self.size, limit)]


class Kraken(Exchange):
    """After the cursor in ns; `last` is the cursor of the last trade given."""

    def page(self, since, limit, params):
        assert since is None
        after = [t for t in self.trades if t["ns"] > int(params["since"])][: self.size]
        self.last_json_response = {"result": {"last": str(after[-1]["ns"] if after else params["since"])}}
        return after


class Coinbase(Exchange):
    """The newest before the id `after`; ccxt turns each page to oldest first."""

    def page(self, since, limit, params):
        assert since is None
        before = [t for t in self.trades if int(t["id"]) < int(params.get("after", 10**12))][-self.size :]
        self.last_response_headers = {"CB-AFTER": before[0]["id"]} if before else {}
        return before


class Bitstamp(Exchange):
    """Everything of the last 24 hours, in whole seconds."""

    def page(self, since, limit, params):
        assert (since, limit, params) == (None, None, {"time": "day"})
        recent = [t for t in self.trades if t["timestamp"] > self.now - 24 * HOUR]
        return [t | {"timestamp": t["timestamp"] // 1000 * 1000} for t in recent]


KINDS = {"binanceus": Exchange, "kraken": Kraken, "coinbaseexchange": Coinbase, "bitstamp": Bitstamp}


def links(*exchanges, attempts=4):
    """A way to open links to exchanges given as (name, exchange), and the names that were opened."""
    opened = []

    def open_link(name):
        opened.append(name)
        exchange = dict(exchanges)[name]
        return Link(
            name=name,
            exchange=exchange,
            retry_on=(NetworkError,),
            give_up_on=(Refusal,),
            sleep=exchange.slept.append,
            patience=Patience(attempts=attempts, first_s=0.1),
        )

    return open_link, opened


def library(**exchanges):
    """What `connect` asks of ccxt."""
    return SimpleNamespace(
        exchanges=list(exchanges), NetworkError=NetworkError, BadResponse=NetworkError, BaseError=Exception, **exchanges
    )

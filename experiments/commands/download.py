"""The console command `marketsim download`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from experiments.progress import console, progress
from marketsim.errors import ConfigError


def download(
    exchange: Annotated[list[str], typer.Option("--exchange", help="Repeatable: an exchange, as ccxt spells it.")],
    symbol: Annotated[
        list[str], typer.Option("--symbol", help="Repeatable, first choice first: BTC/USD, BTC/USDT, ...")
    ],
    start: Annotated[str, typer.Option("--start", help="UTC, such as 2024-08-01T00:00.")],
    end: Annotated[str, typer.Option("--end", help="UTC; not part of the window.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the trades.")] = Path("out/trades"),
    cache: Annotated[Path, typer.Option("--cache", help="Folder of what was downloaded before.")] = Path("out/cache"),
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar, no closing words.")] = False,
) -> None:
    """Trades of one symbol from several exchanges (needs the extra `live`), for `marketsim route --data`.

    Example: marketsim download --exchange kraken --exchange bitstamp --symbol BTC/USD --start 2024-08-01T00:00
    --end 2024-08-01T03:00 --out out/trades
    """
    from experiments.routing.live import download as fetch

    window = _milliseconds("--start", start), _milliseconds("--end", end)
    done = dict.fromkeys(exchange, 0)
    with progress(100 * len(exchange), "download", quiet=quiet) as (advance, tell):

        def told(name: str, share: float, trades: int) -> None:
            percent = max(int(100 * share), done[name])
            advance(percent - done[name])
            done[name] = percent
            tell(f"{name}, {trades} trades")

        brought = fetch(exchange, symbol, *window, cache=cache, progress=told)
    write(brought, out)
    if not quiet:
        for name, why in brought.failed.items():
            console.print(f"{name}: {why}", soft_wrap=True)
        for name, gaps in brought.gaps.items():
            if gaps:
                console.print(f"{name}: {len(gaps)} gaps in the window; the same command asks for them again")
        console.print(f"Trades are in {out}: marketsim route --data {out}", soft_wrap=True)


def write(brought: Any, out: Path) -> None:
    """Write the trades of a `Download` as a folder that `read_folder` reads: a Parquet file each, and feeds.toml."""
    import pandas as pd
    import tomli_w

    from experiments.routing.tapes import CONFIG

    out.mkdir(parents=True, exist_ok=True)
    feeds = []
    for name, tape in brought.tapes.trades.items():
        if tape is None:
            continue
        columns = {"time_ms": tape.times, "price": tape.prices}
        if tape.quantities is not None:
            columns["quantity"] = tape.quantities
        pd.DataFrame(columns).to_parquet(out / f"{name}.parquet", index=False)
        quantity = {"quantity": "quantity"} if "quantity" in columns else {}
        feeds.append({"path": f"{name}.parquet", "venue": name, "time": "time_ms", **quantity})
    sources = brought.tapes.sources
    said = {"symbol": sources.symbol, "fungible": sources.fungible, "note": sources.note, "common": True}
    (out / CONFIG).write_text(tomli_w.dumps(said | {"feeds": feeds}), encoding="utf-8")


def _milliseconds(option: str, text: str) -> int:
    import pandas as pd

    wrong = f"{option}: got {text!r}, wanted a time such as 2024-08-01T00:00"
    if not text[:4].isdigit():  # pandas would take "now"
        raise ConfigError(wrong)
    try:
        moment = pd.Timestamp(text)
    except ValueError as error:
        raise ConfigError(wrong) from error
    return int((moment if moment.tzinfo else moment.tz_localize("UTC")).value // 10**6)

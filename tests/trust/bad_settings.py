"""A catalogue of bad settings: TOML of studies, sweeps and folders of trades, each with the words of its refusal."""

from __future__ import annotations

from tests.trust.bad_files import FEED, PICKLE, BadFile


def _study(how: str, content: str | bytes, *words: str, reader: str = "pi-curve") -> BadFile:
    return BadFile(how, reader, "study.toml", content.encode() if isinstance(content, str) else content, words)


def _route(how: str, content: str | bytes, *words: str) -> BadFile:
    return _study(how, content, *words, reader="route")


def _ofi(how: str, content: str, *words: str) -> BadFile:
    return _study(how, content, *words, reader="ofi")


def _position(how: str, content: str, *words: str) -> BadFile:
    return _study(how, content, *words, reader="position")


def _sor(how: str, content: str, *words: str) -> BadFile:
    return _study(how, content, *words, reader="sor")


def _grid(how: str, content: str, *words: str) -> BadFile:
    return BadFile(how, "grid", "grid.toml", content.encode(), words)


def _feeds(how: str, content: str | bytes, *words: str) -> BadFile:
    return BadFile(how, "folder", "feeds.toml", content.encode() if isinstance(content, str) else content, words)


_OPEN = "[\n" * 100_000

PI_CURVE = [
    _study("an unknown key", "horizn = 8000\n", "horizn"),
    _study("an unknown table", "[wrld]\nlevel = 1\n", "wrld"),
    _study("a key of another table", "[world]\nroutine_rate = 1\n", "world", "routine_rate"),
    _study("text for a number", 'horizon = "8000"\n', "horizon", "got '8000', wanted an int"),
    _study("a fraction for a count", "seeds = 2.5\n", "seeds", "got 2.5, wanted an int"),
    _study("a whole float for a count", "seeds = 2.0\n", "seeds", "got 2.0, wanted an int"),
    _study("a truth for a count", "seeds = true\n", "seeds", "got True, wanted an int"),
    _study("a date for a count", "seeds = 2024-08-08\n", "seeds", "wanted an int"),
    _study("a list for a count", "seeds = [1, 2]\n", "seeds", "wanted an int"),
    _study("a table for a count", "[seeds]\nn = 1\n", "seeds", "wanted an int"),
    _study("no seeds", "seeds = 0\n", "seeds", "got 0, wanted an int of at least 1"),
    _study("seeds below 0", "seeds = -3\n", "seeds", "got -3, wanted an int of at least 1"),
    _study("a level of nan", "[world]\nlevel = nan\n", "level", "got nan, wanted a finite number"),
    _study("a level of inf", "[world]\nlevel = inf\n", "level", "got inf, wanted a finite number"),
    _study("a level of -inf", "[world]\nlevel = -inf\n", "level", "got -inf, wanted a finite number"),
    _study("a level of 1e400", "[world]\nlevel = 1e400\n", "level", "got inf, wanted a finite number"),
    _study("a level beyond float64", f"[world]\nlevel = 1{'0' * 400}\n", "level"),
    _study("a number of five thousand digits", f"horizon = {'9' * 5000}\n", "line 1", "digits"),
    _study("a tick of 0", "[world]\ntick_size = 0\n", "tick_size", "got 0.0, wanted a finite number above 0"),
    _study("an unknown mechanism", 'mechanisms = ["clob", "os.system"]\n', "mechanisms", "os.system"),
    _study("a mechanism twice", 'mechanisms = ["clob", "clob"]\n', "mechanisms", "different ones of clob"),
    _study("no mechanism", "mechanisms = []\n", "mechanisms", "different ones of clob"),
    _study("an interval of 0", "pi = [0, 10]\n", "pi", "different ints of at least 1"),
    _study("an interval of half a step", "pi = [0.5]\n", "pi", "got 0.5, wanted an int"),
    _study("horizons without 0", "markout_horizons = [1, 10]\n", "markout_horizons", "among them 0"),
    _study("an unknown kind of world", '[world]\nkind = "flat"\n', "kind", "got 'flat', wanted one of"),
    _study("a class for a kind", '[population]\nkind = "os:system"\n', "population", "got 'os:system', wanted one of"),
    _study("a population that is text", 'population = "diverse"\n', "population"),
    _study("a world that is a list", "world = []\n", "world"),
    _study("a variant without a name", "[[variants]]\nchange = {}\n", "name"),
    _study("one table for a list of them", '[variants]\nname = "a"\n', "variants"),
    _study("a key twice", "seeds = 1\nseeds = 2\n", "line 2", "overwrite"),
    _study("a table twice", "[world]\nlevel = 1\n[world]\nlevel = 2\n", "line 3", "twice"),
    _study("a table over a value", "world = 1\n[world.x]\ny = 1\n", "line 2"),
    _study("a value without a key", "= 5\n", "line 1"),
    _study("a line cut off", 'name = "a\n', "line 1"),
    _study("an open bracket", "pi = [1, 2\n", "line 2", "Unclosed array"),
    _study("an unknown escape", 'name = "\\q"\n', "line 1"),
    _study("a control character", 'name = "a\x00b"\n', "line 1"),
    _study("yaml", "seeds: 25\n", "line 1"),
    _study("yaml that builds an object", "!!python/object/apply:os.system ['true']\n", "line 1"),
    _study("JSON", '{"seeds": 25}\n', "line 1"),
    _study("an interpolation", "seeds = ${SEEDS}\n", "line 1"),
    _study("a byte order mark", b"\xef\xbb\xbfseeds = 25\n", "line 1"),
    _study("UTF-16", "seeds = 25\n".encode("utf-16"), "line 1", "UTF-8"),
    _study("Latin 1", b'title = "\xe9"\n', "line 1", "UTF-8"),
    _study("a pickle", PICKLE, "line 1", "UTF-8"),
    _study("a bomb of brackets", f"pi = {_OPEN}\n", "", "nested"),
    _study("a bomb of tables within each other", f"x = {'{a=' * 3000}\n", "", "nested"),
    _study("a dotted key of a hundred thousand parts", f"{'a.' * 100_000}a = 1\n", "line 1", "at most 10000"),
]  # fmt: skip

ROUTE = [
    _route("an unknown key", "agent = []\n", "agent"),
    _route("an unknown agent", 'agents = ["oracle", "subprocess.run"]\n', "agents", "subprocess.run"),
    _route("an unknown context", 'contexts = ["any"]\n', "contexts", "got ['any']"),
    _route("an unknown rule", 'rule = "eval"\n', "rule", "got 'eval', wanted one of"),
    _route("a count below 0", "windows = -1\n", "windows", "got -1, wanted an int of at least 1"),
    _route("a truth for a count", "steps = false\n", "steps", "got False, wanted an int"),
    _route("a list for text", 'data = ["synthetic"]\n', "data", "wanted a string"),
    _route("no data", 'data = ""\n', "data", "a non-empty str"),
    _route("an unknown key of a table", "[made]\nduration = 5\n", "made", "duration"),
    _route("nan in a table", '[[made.venues]]\nvenue = "a"\ntrades = nan\n', "trades", "got nan"),
    _route("a key twice", "seeds = 1\nseeds = 2\n", "line 2", "overwrite"),
    _route("a number of five thousand digits", f"seeds = {'9' * 5000}\n", "line 1", "digits"),
    _route("UTF-16", "seeds = 25\n".encode("utf-16"), "line 1", "UTF-8"),
    _route("a bomb of brackets", f"agents = {_OPEN}\n", "", "nested"),
]

FEEDS = [
    _feeds("no feeds", 'symbol = "X"\n', "feeds"),
    _feeds("an unknown key", FEED + 'prise = "p"\n', "prise"),
    _feeds("neither venue nor column", FEED.replace('venue = "x"\n', ""), "feeds[0]", "wanted exactly one of them"),
    _feeds("both venue and column", FEED + 'venue_column = "v"\n', "feeds[0]", "wanted exactly one of them"),
    _feeds("an unknown unit of time", FEED + 'unit = "min"\n', "unit", "got 'min', wanted one of"),
    _feeds("a filter of a fraction", FEED + "where = { q = 1.5 }\n", "where", "wanted text or an int by column"),
    _feeds("a candle of no time", FEED + "[feeds.candle]\nlength_ms = 0\n", "length_ms", "got 0, wanted an int"),
    _feeds("a path that is a number", FEED.replace('"trades.csv"', "7"), "path", "got 7, wanted a string"),
    _feeds("an absolute pattern", FEED.replace("trades.csv", "/*.csv"), "path", "beside the configuration"),
    _feeds("a path with a NUL", FEED.replace("trades.csv", "trades\\u0000.csv"), "path"),
    _feeds("truth for text", "symbol = true\n" + FEED, "symbol", "got True, wanted a string"),
    _feeds("text for truth", 'fungible = "no"\n' + FEED, "fungible", "got 'no', wanted true or false"),
    _feeds("a table for a list of them", "[feeds]\npath = 'trades.csv'\n", "feeds"),
    _feeds("a key twice", FEED + 'time = "u"\n', "line 7", "overwrite"),
    _feeds("Latin 1", b'note = "\xe9"\n' + FEED.encode(), "line 1", "UTF-8"),
    _feeds("a number of five thousand digits", f"width_ms = {'9' * 5000}\n" + FEED, "line 1", "digits"),
    _feeds("a bomb of brackets", f"feeds = {_OPEN}\n", "", "nested"),
]

SOR = [
    _sor("an unknown key", "junk = 1\n", "junk", "got an unknown key, wanted one of name"),
    _sor("text for a list of names", 'policies = "twap"\n', "policies", "got 'twap', wanted a list"),
    _sor("an unknown policy", 'policies = ["eval"]\n', "policies", "got ['eval'], wanted different ones of twap"),
    _sor("a horizon of 1e400", "horizon = 1e400\n", "horizon", "got inf, wanted an int"),
    _sor("a seed below 0", "first_seed = -1\n", "first_seed", "got -1, wanted an int of at least 0"),
    _sor("a number of five thousand bits", f"seeds = 0x{'f' * 5000}\n", "seeds", "got an int of 20000 bits"),
    _sor("text for a table", 'books = "big"\n', "books", "got 'big', wanted a table"),
    _sor("a table for a list of rates", "[books.activity]\nx = 1.0\n", "books.activity", "wanted a list"),
    _sor("a truth among rates", "[books]\nactivity = [1.0, true]\n", "books.activity[1]", "got True, wanted a number"),
    _sor("values nested without end", f"x = {_OPEN}\n", "", "nested"),
]

OFI = [
    _ofi("an unknown key of the market", '[market]\nvenues = "clob"\n', "market.venues", "got an unknown key"),
    _ofi("a class for a venue", '[market]\nvenue = "os:system"\n', "market", "got 'os:system', wanted one of"),
    _ofi("a market that is a number", "market = 1\n", "market", "got 1, wanted a table"),
    _ofi("text for columns", 'trade_columns = "abcd"\n', "trade_columns", "got 'abcd', wanted a list"),
    _ofi("three columns", 'trade_columns = ["a", "b", "c"]\n', "trade_columns", "wanted time, price, quantity"),
    _ofi("a cost of nan", "cost_bps = nan\n", "cost_bps", "got nan, wanted a finite number"),
    _ofi("a list for a file", 'data = ["a"]\n', "data", "got ['a'], wanted a string"),
    _ofi("a day for a seed", "seed = 2024-08-08\n", "seed", "got 2024-08-08, wanted an int"),
]

POSITION = [
    _position("text for files", 'data = "bars.csv"\n', "data", "got 'bars.csv', wanted a list"),
    _position("a number for files", "data = 7\n", "data", "got 7, wanted a list"),
    _position("text for ages", 'ages = "15"\n', "ages", "got '15', wanted a list"),
    _position("a table for ages", "[ages]\n5 = 1\n", "ages", "got {'5': 1}, wanted a list"),
    _position("an age of 0", "ages = [0]\n", "ages", "got [0], wanted different whole numbers"),
    _position("a stop of -inf", "stop_bps = -inf\n", "stop_bps", "got -inf, wanted a finite number"),
    _position("an unknown key", "quantity = true\n", "quantity", "got an unknown key"),
]

TAKEN_APART = [
    _study("text for a list of mechanisms", 'mechanisms = "clob"\n', "mechanisms", "got 'clob', wanted a list"),
    _study("text for intervals", 'pi = "12"\n', "pi", "got '12', wanted a list"),
    _study("a table for intervals", '[pi]\n"1" = 2\n', "pi", "got {'1': 2}, wanted a list"),
    _study("text for variants", 'variants = "ab"\n', "variants", "got 'ab', wanted a list"),
    _study("a list for a table of rows", "[world]\nwhere = [1]\n", "world.where", "got [1], wanted a table"),
    _route("text for agents", 'agents = "oracle"\n', "agents", "got 'oracle', wanted a list"),
    _feeds("text for a header", FEED + 'header = "tpq"\n', "feeds[0].header", "got 'tpq', wanted a list"),
    _feeds("a list for a filter", FEED + "where = [1]\n", "feeds[0].where", "got [1], wanted a table"),
]

_WIDE = "".join(f"a{axis} = [{', '.join(map(str, range(50)))}]\n" for axis in range(20))
GRID = [
    _grid("empty", "", "grid", "got neither, wanted either [axes] or [[cells]]"),
    _grid("axes and cells", "[axes]\nx = [1]\n[[cells]]\nx = 1\n", "grid", "got both"),
    _grid("text for an axis", "[axes]\nx = 'abc'\n", "axes.x", "got 'abc', wanted a list"),
    _grid("a table for an axis", "[axes.x]\ny = 1\n", "axes.x", "got {'y': 1}, wanted a list"),
    _grid("a number for an axis", "[axes]\nx = 1\n", "axes.x", "got 1, wanted a list"),
    _grid("a list for the axes", "axes = [1]\n", "axes", "got [1], wanted a table"),
    _grid("a number for a cell", "cells = [1]\n", "cells[0]", "got 1, wanted a table"),
    _grid("an axis of lists", "[axes]\nx = [[1]]\n", "axes.x", "got [1], wanted a finite number"),
    _grid("an axis of nan", "[axes]\nx = [nan]\n", "axes.x", "got nan, wanted a finite number"),
    _grid("the name of the ids", "[axes]\ncell_id = [1]\n", "axes.cell_id", "got the name 'cell_id'"),
    _grid("a value twice", "[axes]\nx = [1, 1]\n", "axes.x", "twice, wanted different values"),
    _grid("9.2e18 seeds", f"seeds = {2**63 - 1}\n[axes]\nx = [1, 2]\n", "seeds", f"got {2**63 - 1}, wanted an int"),
    _grid("a first seed beyond 64 bits", f"seeds = 2\nfirst_seed = {2**63}\n[axes]\nx = [1]\n", "first_seed", "up to"),
    _grid("9.5e33 cells", "[axes]\n" + _WIDE, "grid", f"got {50**20} cells, wanted at most 1000000000"),
    _grid("Python", "[axes]\nx = range(3)\n", "line 2", "wanted TOML"),
]

CATALOGUE: list[BadFile] = [*PI_CURVE, *ROUTE, *FEEDS, *SOR, *OFI, *POSITION, *TAKEN_APART, *GRID]

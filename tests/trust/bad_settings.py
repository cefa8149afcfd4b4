"""A catalogue of bad settings: TOML of studies and of folders of trades, each with the words the refusal must hold."""

from __future__ import annotations

from tests.trust.bad_files import FEED, PICKLE, BadFile


def _study(how: str, content: str | bytes, *words: str, reader: str = "pi-curve") -> BadFile:
    return BadFile(how, reader, "study.toml", content.encode() if isinstance(content, str) else content, words)


def _route(how: str, content: str | bytes, *words: str) -> BadFile:
    return _study(how, content, *words, reader="route")


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
    _study("a number of five thousand digits", f"horizon = {'9' * 5000}\n", "digits"),
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
    _study("a key twice", "seeds = 1\nseeds = 2\n", "overwrite"),
    _study("a table twice", "[world]\nlevel = 1\n[world]\nlevel = 2\n", "twice"),
    _study("a table over a value", "world = 1\n[world.x]\ny = 1\n", "line 2"),
    _study("a value without a key", "= 5\n", "line 1"),
    _study("a line cut off", 'name = "a\n', "line 1"),
    _study("an open bracket", "pi = [1, 2\n", "Unclosed array"),
    _study("an unknown escape", 'name = "\\q"\n', "line 1"),
    _study("a control character", 'name = "a\x00b"\n', "line 1"),
    _study("yaml", "seeds: 25\n", "line 1"),
    _study("yaml that builds an object", "!!python/object/apply:os.system ['true']\n", "line 1"),
    _study("JSON", '{"seeds": 25}\n', "line 1"),
    _study("an interpolation", "seeds = ${SEEDS}\n", "line 1"),
    _study("a byte order mark", b"\xef\xbb\xbfseeds = 25\n", "line 1"),
    _study("UTF-16", "seeds = 25\n".encode("utf-16"), "utf-8"),
    _study("Latin 1", b'title = "\xe9"\n', "utf-8"),
    _study("a pickle", PICKLE, "utf-8"),
    _study("a bomb of brackets", f"pi = {_OPEN}\n", "nested"),
    _study("a bomb of tables within each other", f"x = {'{a=' * 3000}\n", "nested"),
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
    _route("a key twice", "seeds = 1\nseeds = 2\n", "overwrite"),
    _route("a number of five thousand digits", f"seeds = {'9' * 5000}\n", "digits"),
    _route("UTF-16", "seeds = 25\n".encode("utf-16"), "utf-8"),
    _route("a bomb of brackets", f"agents = {_OPEN}\n", "nested"),
]

FEEDS = [
    _feeds("no feeds", 'symbol = "X"\n', "feeds"),
    _feeds("an unknown key", FEED + 'prise = "p"\n', "prise"),
    _feeds("neither venue nor column", FEED.replace('venue = "x"\n', ""), "wanted exactly one of them"),
    _feeds("both venue and column", FEED + 'venue_column = "v"\n', "wanted exactly one of them"),
    _feeds("an unknown unit of time", FEED + 'unit = "min"\n', "unit", "got 'min', wanted one of"),
    _feeds("a filter of a fraction", FEED + "where = { q = 1.5 }\n", "where", "wanted text or an int by column"),
    _feeds("a candle of no time", FEED + "[feeds.candle]\nlength_ms = 0\n", "length_ms", "got 0, wanted an int"),
    _feeds("a path that is a number", FEED.replace('"trades.csv"', "7"), "path", "got 7, wanted a string"),
    _feeds("an absolute pattern", FEED.replace("trades.csv", "/*.csv"), "path", "beside the configuration"),
    _feeds("a path with a NUL", FEED.replace("trades.csv", "trades\\u0000.csv"), "path"),
    _feeds("truth for text", "symbol = true\n" + FEED, "symbol", "got True, wanted a string"),
    _feeds("text for truth", 'fungible = "no"\n' + FEED, "fungible", "got 'no', wanted true or false"),
    _feeds("a table for a list of them", "[feeds]\npath = 'trades.csv'\n", "feeds"),
    _feeds("a key twice", FEED + 'time = "u"\n', "overwrite"),
    _feeds("Latin 1", b'note = "\xe9"\n' + FEED.encode(), "utf-8"),
    _feeds("a number of five thousand digits", f"width_ms = {'9' * 5000}\n" + FEED, "digits"),
    _feeds("a bomb of brackets", f"feeds = {_OPEN}\n", "nested"),
]

CATALOGUE: list[BadFile] = [*PI_CURVE, *ROUTE, *FEEDS]

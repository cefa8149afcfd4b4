"""The configuration of a routing study: one attrs class, TOML in and out."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from attrs import field, frozen

from agents.routing.catalogue import INFERENCE, POLICIES
from agents.routing.learning import OBSERVED_LIKELIHOOD, RULES
from agents.routing.paths import CONTEXTS, LAST, MODES
from agents.routing.policy import INFORMATION, TWO_BITS
from experiments.limits import BUCKET_MS_MAX, BUCKETS_MAX, MARKETS_MAX, SAMPLES_MAX, SEED_MAX, SEEDS_MAX, STEPS_MAX
from experiments.routing.synthetic import LeadLag
from experiments.strict import TomlForm
from marketsim import checks
from marketsim.checks import integer, kind, one_of
from marketsim.errors import ConfigError, refusal

SYNTHETIC = "synthetic"
OWN = "own"
TIES = ("shared", "draw")


def _different(*choices: str, some: bool = True) -> Any:
    def check(instance: Any, attribute: Any, value: Any) -> None:
        known = all(item in choices for item in value)
        if not known or (some and not value) or len(dict.fromkeys(value)) != len(value):
            got, wanted = f"got {list(value)!r}", f"wanted different ones of {', '.join(choices)}"
            raise ConfigError(f"{type(instance).__name__}.{attribute.name}: {got}, {wanted}")

    return check


@frozen(kw_only=True)
class RouteStudy:
    """A whole routing study: agents x context modes x what the context bit is x windows x seeds on one data set.

    Args:
        data: a folder that `experiments.routing.tapes.read_folder` understands, or "synthetic".
        agents: names of `agents.routing.catalogue`; empty: all.
        contexts: "fixed" (venue `context_venue`) or "random".
        knows: what the context bit is: "last", the label of the bucket that has just closed, or "label", that of the
            bucket to come, which no router could know.
        information: what agents learn from at each step: "choice" (one bit), "context+choice" (two), or "own", what
            each was made for. Baselines are comparable at equal information only.
        rule, inference: of the agents "ising" and "ising-biases"; inference is also that of the other Ising agents.
        ties: "shared" (every tied best is a hit) or "draw" (one of them).
        width_ms: of buckets; 0: what suits the data.
        windows: successive windows of equal length; every run starts afresh in each.
        steps: decisions in each window; 0: all.
        control_seeds: of each shuffled order of the rows, of which the control has 19; 0: no control.
        compare_seeds, compare_steps: size of the comparison of sampling with exact inference; 0: none.
        engine_steps: of one run per agent through the event loop; 0: none.
        samples: states that the generative side study draws; 0: no side study.
        made, made_seed: the synthetic market.
    """

    name: str = field(default="route", validator=checks.name)
    title: str = ""
    data: str = field(default=SYNTHETIC, validator=checks.name)
    agents: tuple[str, ...] = field(default=(), converter=tuple, validator=_different(*POLICIES, some=False))
    contexts: tuple[str, ...] = field(default=MODES, converter=tuple, validator=_different(*MODES))
    context_venue: int = field(default=0, validator=integer(0, MARKETS_MAX))
    knows: tuple[str, ...] = field(default=(LAST,), converter=tuple, validator=_different(*CONTEXTS))
    information: tuple[str, ...] = field(
        default=(OWN, TWO_BITS), converter=tuple, validator=_different(OWN, *INFORMATION)
    )
    rule: str = field(default=OBSERVED_LIKELIHOOD, validator=one_of(*RULES))
    inference: str = field(default="exact", validator=one_of(*INFERENCE))
    ties: str = field(default="shared", validator=one_of(*TIES))
    width_ms: int = field(default=0, validator=integer(0, BUCKET_MS_MAX))
    windows: int = field(default=1, validator=integer(1, BUCKETS_MAX))
    steps: int = field(default=0, validator=integer(0, STEPS_MAX))
    seeds: int = field(default=200, validator=integer(1, SEEDS_MAX))
    first_seed: int = field(default=1, validator=integer(0, SEED_MAX))
    control_seeds: int = field(default=3, validator=integer(0, SEEDS_MAX))
    compare_seeds: int = field(default=0, validator=integer(0, SEEDS_MAX))
    compare_steps: int = field(default=500, validator=integer(1, STEPS_MAX))
    engine_steps: int = field(default=500, validator=integer(0, STEPS_MAX))
    samples: int = field(default=5000, validator=integer(0, SAMPLES_MAX))
    made: LeadLag = field(factory=LeadLag, validator=kind(LeadLag))
    made_seed: int = field(default=1, validator=integer(0, SEED_MAX))


_form = TomlForm(RouteStudy)
to_dict, dumps, loads = _form.to_dict, _form.dumps, _form.loads


def shipped() -> list[str]:
    """Names of the configurations that come with the package."""
    folder = files("experiments") / "routing" / "configs"
    return sorted(item.name for item in folder.iterdir() if item.name.endswith(".toml"))


def load(path_or_name: str) -> RouteStudy:
    """Read a configuration file, or one that is shipped, by its name; an empty name gives the defaults."""
    if not path_or_name or Path(path_or_name).is_file():
        return _form.load(path_or_name)
    if path_or_name in shipped():
        text = (files("experiments") / "routing" / "configs" / path_or_name).read_text(encoding="utf-8")
        return loads(text, path_or_name)
    raise ConfigError(refusal(path_or_name, "no file", f"a file of settings, or one of {', '.join(shipped())}"))

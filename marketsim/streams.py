"""Random streams by name from one root seed.

Each name has a generator of its own, so that changing the venue, the batch interval or one agent leaves every other
draw as it was (common random numbers). Nothing in marketsim draws from anywhere else.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np

from marketsim.errors import ConfigError

_MASK = (1 << 64) - 1


class Streams:
    """Named, independent `numpy.random.Generator`s.

    Args:
        seed: the root, from 0 to 2**64 - 1.

    Raises:
        ConfigError: a seed out of bounds.

    >>> Streams(7).stream("world").integers(10, size=4).tolist()
    [2, 4, 1, 2]
    >>> Streams(7).stream("agent:ann").integers(10, size=4).tolist()
    [8, 3, 3, 8]
    """

    def __init__(self, seed: int) -> None:
        if type(seed) is not int or not 0 <= seed <= _MASK:
            raise ConfigError(f"seed: got {seed!r}, wanted an int from 0 to 2**64 - 1")
        self.seed = seed

    def key(self, name: str) -> int:
        """64 bits that depend on the seed and `name` only."""
        digest = blake2b(f"{self.seed}/{name}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "little")

    def stream(self, name: str) -> np.random.Generator:
        """A fresh generator at the start of stream `name`."""
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence([self.seed, self.key(name)])))


def mix(key: int, time: int) -> int:
    """64 well-mixed bits of (key, time): the finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).

    A key per agent and time makes ties among agents fall either way, whoever else is there:

    >>> keys = {name: Streams(1).key(name) for name in ("ann", "bob")}
    >>> [min(keys, key=lambda name: mix(keys[name], time)) for time in range(4)]
    ['ann', 'ann', 'bob', 'bob']
    """
    z = (key + time * 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)

"""What the settings of the studies on features must obey together."""

from __future__ import annotations

from marketsim.errors import ConfigError


def check_embargo(study: object, embargo: int, horizon: int) -> None:
    """Raise `ConfigError` where an embargo, 0 for the horizon, is shorter than the label's horizon."""
    if 0 < embargo < horizon:
        wanted = f"at least the horizon of {horizon}, or 0 for it"
        raise ConfigError(f"{type(study).__name__}.embargo: got {embargo}, wanted {wanted}")


def check_whole_steps(study: object, bucket_ms: int, bucket_steps: int) -> None:
    """Raise `ConfigError` where a step of a simulated bucket is not a whole number of nanoseconds."""
    if bucket_ms * 10**6 % bucket_steps:
        wanted = f"whole nanoseconds in each of the {bucket_steps} steps of a bucket"
        raise ConfigError(f"{type(study).__name__}.bucket_ms: got {bucket_ms}, wanted {wanted}")

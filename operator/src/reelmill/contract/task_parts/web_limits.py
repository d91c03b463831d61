"""Limits for reading files of web servers in a step."""

from reelmill.contract.model import Model


class WebLimits(Model):
    """The `web` block of a source; times are in seconds."""

    allowed_hosts: tuple[str, ...] = ()
    private_servers: tuple[str, ...] = ()
    parallel: int = 4
    delay: float = 0.0
    timeout: float = 60.0

"""One of several clusters on this machine: a number, and everything derived from it.

The number is held by a file lock that every process of the instance inherits, so it is free exactly when all of them
have ended. Folder, interface, cgroups and addresses are derived from the number, so the next process that claims the
number can remove the leftovers of a killed instance.
"""

import fcntl
import os
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from cluster.unavailable import Unavailable

COUNT = 64
ROOT = Path("/var/lib/reelmill-clusters" if os.geteuid() == 0 else f"/tmp/reelmill-clusters-{os.geteuid()}")
"""Folder of all instances, independent of `TMPDIR`, because all runs on a machine share the numbers."""
LINKS, PODS, SERVICES = (IPv4Network(f"10.{second}.0.0/16") for second in (215, 213, 214))
"""Address space of all instances; each takes the /24 of its number."""


@dataclass(frozen=True)
class Instance:
    """What belongs to one number."""

    number: int

    @property
    def folder(self) -> Path:
        """Folder of everything that it writes. The path is short: paths of sockets are limited to 107 characters."""
        return ROOT / str(self.number)

    @property
    def lock_file(self) -> Path:
        return ROOT / f"{self.number}.lock"

    @property
    def interface(self) -> str:
        """The host's end of the veth pair; the box's is `eth0`."""
        return f"reelmill{self.number}"

    @property
    def cgroup_prefix(self) -> str:
        return f"reelmill-{self.number}-"

    @cached_property
    def pods(self) -> IPv4Network:
        return _part(PODS, self.number)

    @cached_property
    def services(self) -> IPv4Network:
        return _part(SERVICES, self.number)

    @property
    def host_address(self) -> IPv4Address:
        """The host as the box and its pods see it."""
        return _part(LINKS, self.number)[1]

    @property
    def box_address(self) -> IPv4Address:
        """The box as the host sees it: the API server is there."""
        return _part(LINKS, self.number)[2]

    @property
    def gateway(self) -> IPv4Address:
        """The bridge of the pods: address of the nodes."""
        return self.pods[1]

    @property
    def dns(self) -> IPv4Address:
        """Service address of the cluster's DNS."""
        return self.services[10]

    def lock(self, *, wait: bool = False) -> int | None:
        """A descriptor that holds the number, or None if another process holds it."""
        ROOT.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor


def _part(space: IPv4Network, number: int) -> IPv4Network:
    return IPv4Network((int(space.network_address) + 256 * number, 24))


def instances() -> list[Instance]:
    """All possible instances."""
    return [Instance(number) for number in range(COUNT)]


def claim() -> tuple[Instance, int]:
    """A free instance, cleared of leftovers, and the descriptor that holds it. Raises Unavailable."""
    from cluster import leftovers

    chosen: tuple[Instance, int] | None = None
    for instance in instances():
        if chosen and not instance.folder.exists():
            continue
        if (descriptor := instance.lock()) is None:
            continue
        leftovers.clear(instance)
        if chosen:
            os.close(descriptor)
        else:
            chosen = instance, descriptor
    if chosen is None:
        raise Unavailable(f"{COUNT} clusters run on this machine already: end one with `make cluster-down`")
    chosen[0].folder.mkdir(mode=0o755)
    return chosen

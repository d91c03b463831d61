"""Alternating measurement of two implementations, so that noise on the machine affects both equally."""

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

Act = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of every round of both, and CPU seconds of each (this process and its ended children)."""

    ours: list[float]
    peer: list[float]
    ours_cpu: list[float] = field(default_factory=list)
    peer_cpu: list[float] = field(default_factory=list)

    @property
    def rounds(self) -> tuple[int, int]:
        return len(self.ours), len(self.peer)

    @property
    def medians(self) -> tuple[float, float]:
        return statistics.median(self.ours), statistics.median(self.peer)

    @property
    def ratio(self) -> float:
        """How many times faster reelmill is: the median over rounds, or the ratio of medians if one has fewer."""
        return _ratio(self.ours, self.peer)

    @property
    def cpu_ratio(self) -> float | None:
        """The same for CPU seconds, which other work on the machine hardly affects. None if nothing was counted."""
        return _ratio(self.ours_cpu, self.peer_cpu) if self.ours_cpu and self.peer_cpu else None


def _ratio(ours: list[float], peer: list[float]) -> float:
    if len(ours) == len(peer):
        return statistics.median(theirs / mine for mine, theirs in zip(ours, peer, strict=True))
    return statistics.median(peer) / statistics.median(ours)


def cpu_seconds() -> float:
    """CPU time of this process and of its children that have ended, until now."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def seconds(act: Act) -> float:
    """Wall time of one call."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def in_turns(ours: Act, peer: Act, rounds: int, *, peer_rounds: int | None = None, warm: bool = True) -> Times:
    """Measure both `rounds` times, swapping the order each time.

    A peer that takes minutes gets fewer rounds (`peer_rounds`), spread evenly over reelmill's.
    """
    if warm:
        ours()
    times = Times([], [])
    for turn in range(rounds):
        due = rounds if peer_rounds is None else peer_rounds
        acts = [(times.ours, times.ours_cpu, ours)]
        if (turn + 1) * due // rounds > turn * due // rounds:
            acts.insert(turn % 2, (times.peer, times.peer_cpu, peer))
        for found, found_cpu, act in acts:
            before = cpu_seconds()
            found.append(seconds(act))
            found_cpu.append(max(cpu_seconds() - before, 1 / os.sysconf("SC_CLK_TCK")))
    return times


def one_core() -> None:
    """Keep this process and its children on one CPU, if the system supports it."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

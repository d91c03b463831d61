"""Two ways of doing the same, measured in turns, so that a noisy machine is as unfair to one as to the other."""

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

Act = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of every round of both."""

    ours: list[float]
    peer: list[float]

    @property
    def rounds(self) -> tuple[int, int]:
        return len(self.ours), len(self.peer)

    @property
    def medians(self) -> tuple[float, float]:
        return statistics.median(self.ours), statistics.median(self.peer)

    @property
    def ratio(self) -> float:
        """How many times quicker ours is: the median over the rounds; of the medians where one had fewer rounds."""
        if len(self.ours) == len(self.peer):
            return statistics.median(peer / ours for ours, peer in zip(self.ours, self.peer, strict=True))
        ours, peer = self.medians
        return peer / ours


def seconds(act: Act) -> float:
    """Wall time of one call."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def in_turns(ours: Act, peer: Act, rounds: int, *, peer_rounds: int | None = None, warm: bool = True) -> Times:
    """Measure both `rounds` times, the order swapped each time.

    A peer that takes minutes gets fewer rounds (`peer_rounds`), spread evenly among ours.
    """
    if warm:
        ours()
    times = Times([], [])
    for turn in range(rounds):
        due = rounds if peer_rounds is None else peer_rounds
        acts = [(times.ours, ours)]
        if (turn + 1) * due // rounds > turn * due // rounds:
            acts.insert(turn % 2, (times.peer, peer))
        for found, act in acts:
            found.append(seconds(act))
    return times


def one_core() -> None:
    """Keep this process and its children on one CPU, where the system lets one say so."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

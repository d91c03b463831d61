"""A tool that tests need and that is prepared before they start."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from cluster.unavailable import Unavailable


class Lane(StrEnum):
    """Tools of one lane are built in sequence, the lanes in parallel.

    A Go compiler uses every core and shares its cache with the next one, so two at once would do the same work twice.
    """

    COMPILE = "compile"
    DOWNLOAD = "download"


@dataclass(frozen=True)
class Tool:
    """Tests call `find`, which never builds anything and raises Unavailable if the tool is missing.

    `make` builds it and raises Unavailable if that is impossible on this machine. It continues an interrupted attempt.
    """

    name: str
    lane: Lane
    find: Callable[[], object]
    make: Callable[[], object]
    needs: tuple[str, ...] = ()
    """Names of the tools that `make` requires. They precede this one in the catalogue."""

    def ready(self) -> bool:
        """Whether the tool exists."""
        try:
            self.find()
        except Unavailable:
            return False
        return True


def not_prepared(name: str, tiers: str) -> Unavailable:
    """The error of `find` for a missing tool, with how to get it."""
    return Unavailable(f"{name} is not prepared: run `make prepare TIERS={tiers}`, which also says what is in its way")

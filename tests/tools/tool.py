"""One thing that tests need and that is prepared before they begin."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from cluster.unavailable import Unavailable


class Lane(StrEnum):
    """Tools of one lane are made one after another, lanes side by side.

    A Go compiler uses every core and shares its cache with the next one, so two at once would do the same work twice.
    """

    COMPILE = "compile"
    DOWNLOAD = "download"


@dataclass(frozen=True)
class Tool:
    """`find` is what tests call; it makes nothing, and raises Unavailable when the tool is missing.

    `make` makes it, and raises Unavailable when that cannot be done on this machine. It continues what was cut off.
    """

    name: str
    lane: Lane
    find: Callable[[], object]
    make: Callable[[], object]
    needs: tuple[str, ...] = ()
    """Names of the tools without which `make` cannot work. They stand before this one in the catalogue."""

    def ready(self) -> bool:
        """Whether tests find it."""
        try:
            self.find()
        except Unavailable:
            return False
        return True


def not_prepared(name: str, tiers: str) -> Unavailable:
    """For `find` to raise: the tool is missing, and this is how to get it."""
    return Unavailable(f"{name} is not prepared: run `make prepare TIERS={tiers}`, which also says what is in its way")

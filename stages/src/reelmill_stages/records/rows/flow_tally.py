"""Running totals of a flow while rows are written."""

from dataclasses import dataclass

from reelmill.contract.records.flow import Flow, Volume
from reelmill.contract.records.rows import Item
from reelmill_stages.records.rows.item_values import file_of, seconds_of


@dataclass(slots=True)
class VolumeTally:
    """A `Volume` under construction."""

    items: int = 0
    seconds: float = 0.0
    bytes: int = 0
    untimed: int = 0

    def add(self, seconds: float | None, size: int) -> None:
        """Add an item; `seconds` is None if its duration is unknown."""
        self.items += 1
        self.bytes += size
        if seconds is None:
            self.untimed += 1
        else:
            self.seconds += seconds

    def volume(self) -> Volume:
        return Volume(items=self.items, seconds=round(self.seconds, 3), bytes=self.bytes, untimed=self.untimed)


class FlowTally:
    """Totals of inputs by outcome, and of the items made.

    If successive items share a file, its bytes are counted for the first one.
    """

    def __init__(self) -> None:
        self._outcomes: dict[str, VolumeTally] = {}
        self._retried: dict[str, VolumeTally] = {}
        self._made = VolumeTally()
        self._known = True
        self._last_read = self._last_made = ""

    def add(self, item: Item, outcome: str, former: str | None = "", *, size: int | None = None) -> None:
        """Add an input. `former` is its outcome in an earlier pass; empty for a new input, None if unknown.

        `size` is the size of its file in bytes; None: that of the file of `item`.
        """
        if size is None:
            uri, size = file_of(item)
            if uri == self._last_read:
                size = 0
            self._last_read = uri
        seconds = seconds_of(item)
        _tally(self._outcomes, outcome).add(seconds, size)
        if former is None:
            self._known = False
        elif former:
            _tally(self._retried, former).add(seconds, size)

    def replace_row(self, outcome: str) -> None:
        """Replace a row that had no item by another input."""
        _tally(self._retried, outcome).add(None, 0)

    def made(self, seconds: float | None, uri: str, size: int) -> None:
        """Add an item that was made."""
        self._made.add(seconds, 0 if uri == self._last_made else size)
        self._last_made = uri

    def pass_on(self, item: Item) -> None:
        """Add an item made by passing an input on. The input is not added."""
        uri, size = file_of(item)
        self.made(seconds_of(item), uri, size)
        self._last_read = uri

    def flow(self) -> Flow | None:
        """The flow; None if unknown."""
        if not self._known:
            return None
        return Flow(outcomes=_volumes(self._outcomes), made=self._made.volume(), retried=_volumes(self._retried))


def _tally(found: dict[str, VolumeTally], name: str) -> VolumeTally:
    if name not in found:
        found[name] = VolumeTally()
    return found[name]


def _volumes(tallies: dict[str, VolumeTally]) -> dict[str, Volume]:
    return {name: tally.volume() for name, tally in sorted(tallies.items())}

"""Contact sheets of a report: output of the pipeline, and examples of the losses for each reason."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from reelmill.contract.commands.summary import LossGroup
from reelmill.contract.records.rows import Item
from reelmill_stages.pictures.shot import Shot
from reelmill_stages.summary.summarise import SummaryItems

MOST_PICTURES = 160
"""Maximum number of pictures in a report."""
MOST_BYTES = 2_400_000
"""Maximum total size of the pictures in bytes."""

_NOTHING = "no picture"

Shoot = Callable[[Sequence[Item]], Iterator[Shot]]
"""Makes a picture of each item, in order."""


@dataclass(frozen=True, slots=True)
class SheetPicture:
    """An item of a sheet: its picture or why there is none, and its message in the ledger."""

    key: str
    shot: Shot
    message: str = ""


@dataclass(slots=True)
class Sheet:
    """Items of one source or stage, or examples of one loss."""

    name: str
    loss: LossGroup | None
    seen: str
    """The source or stage whose items are shown."""
    pictures: list[SheetPicture] = field(default_factory=list)


def sheets(
    found: SummaryItems, reads: Mapping[str, Sequence[str]], visible: Callable[[Item], bool], shoot: Shoot
) -> list[Sheet]:
    """The sheets: of each stage that no other stage reads, then of each loss. Pictures stop at `MOST_BYTES`."""
    made = [_sheet_of_items(name, found, reads, visible) for name in _last_stages(found, reads)]
    lost = [_sheet_of_losses(group, found, visible) for group in found.summary.losses]
    wanted = [each for each in (*made, *lost) if each]
    each = max(1, MOST_PICTURES // max(1, len(wanted)))
    left, used = MOST_PICTURES, 0
    chosen: list[tuple[Sheet, list[_Entry]]] = []
    for sheet, entries in wanted:
        chosen.append((sheet, entries[: min(each, left)]))
        left -= len(chosen[-1][1])
    seen = {id(item): item for _, entries in chosen for _, _, item in entries if item is not None}  # sheets share items
    shots = dict(zip(seen, shoot(list(seen.values())), strict=True))
    for sheet, entries in chosen:
        for key, message, item in entries:
            shot = Shot(problem=_NOTHING) if item is None else shots[id(item)]
            used += len(shot.jpeg)
            if used > MOST_BYTES:
                shot = Shot(problem="omitted to keep the report small")
            sheet.pictures.append(SheetPicture(key, shot, message))
    return [sheet for sheet, _ in wanted]


_Entry = tuple[str, str, Item | None]
"""Key, message and item; the item is None if there is none that can be shown."""


def _last_stages(found: SummaryItems, reads: Mapping[str, Sequence[str]]) -> list[str]:
    """The stages that no other stage reads; without any stage, the sources."""
    read = {upstream for upstreams in reads.values() for upstream in upstreams}
    return [row.name for row in found.summary.overview.rows if row.name not in read]


def _sheet_of_items(
    end: str, found: SummaryItems, reads: Mapping[str, Sequence[str]], visible: Callable[[Item], bool]
) -> tuple[Sheet, list[_Entry]] | None:
    """The items of an end that can be shown, or else those of the nearest upstream stage that has some."""
    waiting = [end]
    while waiting:
        name = waiting.pop(0)
        items = [item for item in found.made.get(name, ()) if visible(item)]
        if items:
            return Sheet(end, None, name), [(item.key, "", item) for item in items]
        if not found.made.get(name) and name == end:
            return None
        waiting += reads.get(name, ())
    return None


def _sheet_of_losses(
    group: LossGroup, found: SummaryItems, visible: Callable[[Item], bool]
) -> tuple[Sheet, list[_Entry]]:
    items = found.lost[group.name, group.outcome, group.reason]
    entries: list[_Entry] = [
        (example.key, example.message, item if item is not None and visible(item) else None)
        for example, item in zip(group.examples, items, strict=True)
    ]
    return Sheet(group.name, group, group.name), entries

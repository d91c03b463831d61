"""Reads timeline annotations of videos: the range to use, and the actions in it.

Both kinds of files have the format of Label Studio: `videoLabels` with `timelinelabels` and `ranges`. Frame numbers
count from 0 in the whole video; ends are exclusive. Pure: JSON values in, frame numbers out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill_stages.sources.tables.cells import shown

_POINTS = ("start", "mid", "end")

Action = tuple[int, int, str]
"""(first frame, end frame (exclusive), label)."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The labels of one annotator, in order; `by` is the id of the annotator, `at` the time of the last change."""

    actions: tuple[Action, ...]
    by: str
    at: str


def frame_range(row: Mapping[str, Any]) -> dict[str, int]:
    """Return `start`, `end` and, if present, `mid` of a range annotation. Raises `bad_range`."""
    found: dict[str, int] = {}
    for label in _labels(row, ItemReason.BAD_RANGE):
        names, ranges = label.get("timelinelabels") or (), label.get("ranges") or ()
        for name in names if isinstance(names, list) else ():
            if name in _POINTS and name not in found and isinstance(ranges, list) and ranges:
                first = ranges[0].get("start") if isinstance(ranges[0], Mapping) else None
                found[name] = _frame(first, f"{name} of the range", ItemReason.BAD_RANGE)
    for name in ("start", "end"):
        if name not in found:
            raise ItemError(ItemReason.BAD_RANGE, f"the range annotation has no {name}")
    if found["end"] <= found["start"]:
        raise ItemError(
            ItemReason.BAD_RANGE, f"the range annotation begins at {found['start']} and ends at {found['end']}"
        )
    return found


def chosen_actions(content: object, annotator: str | None) -> Chosen:
    """Return the actions in a label file: those of the newest annotation, or of the newest one by `annotator`.

    Raises ItemError with the reason `bad_labels` for an invalid file or if several annotations are equally new, and
    `no_annotator` if there is no annotation by `annotator`.
    """
    annotations = content.get("annotations") if isinstance(content, Mapping) else None
    if not isinstance(annotations, list) or not all(isinstance(one, Mapping) for one in annotations):
        raise ItemError(ItemReason.BAD_LABELS, "a label file has a list of annotations")
    there = [(_time(one), _annotator(one), one) for one in annotations]
    if annotator is not None:
        known = sorted({who for _, who, _ in there})
        there = [each for each in there if each[1] == annotator]
        if not there:
            raise ItemError(
                ItemReason.NO_ANNOTATOR,
                f"{annotator} has no labels here; annotators with labels: {', '.join(known) or 'none'}",
            )
    if not there:
        return Chosen((), "", "")
    latest = max(at for at, _, _ in there)
    newest = [each for each in there if each[0] == latest]
    read = {tuple(sorted(_actions(one))): (who, one) for _, who, one in newest}
    if len(read) > 1:
        raise ItemError(
            ItemReason.BAD_LABELS,
            f"{len(newest)} annotations are equally recent and differ: choose an annotator, one of "
            f"{', '.join(sorted({who for _, who, _ in newest}))}",
        )
    actions, (who, one) = read.popitem()
    return Chosen(actions, who, str(one.get("updated_at") or one.get("created_at") or ""))


def _actions(annotation: Mapping[str, Any]) -> Iterator[Action]:
    for label in _labels(annotation, ItemReason.BAD_LABELS):
        names, ranges = label.get("timelinelabels") or [], label.get("ranges") or []
        if not isinstance(names, list) or not isinstance(ranges, list):
            raise ItemError(ItemReason.BAD_LABELS, f"{shown(label)} is not a list of labels with a list of ranges")
        for name in names:
            for each in ranges:
                if not isinstance(each, Mapping) or not isinstance(name, str) or not name:
                    raise ItemError(ItemReason.BAD_LABELS, f"the label {shown(name)} has the range {shown(each)}")
                start = _frame(each.get("start"), f"start of {name}", ItemReason.BAD_LABELS)
                end = _frame(each.get("end"), f"end of {name}", ItemReason.BAD_LABELS)
                if end < start:
                    raise ItemError(ItemReason.BAD_LABELS, f"{name} begins at {start} and ends at {end}")
                if end > start:
                    yield start, end, name


def _labels(row: Mapping[str, Any], reason: str) -> list[Mapping[str, Any]]:
    labels = row.get("videoLabels", [])
    if not isinstance(labels, list) or not all(isinstance(label, Mapping) for label in labels):
        raise ItemError(reason, f"videoLabels is {shown(labels)}, not a list of labels")
    return labels


def _frame(value: object, name: str, reason: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value or abs(value) > 2**53:
        raise ItemError(reason, f"the {name} is {shown(value)}, not a frame number")
    if value < 0:
        raise ItemError(reason, f"the {name} is frame {value}: frames are counted from 0")
    return int(value)


def _annotator(annotation: Mapping[str, Any]) -> str:
    return str(annotation.get("annotator", annotation.get("completed_by", "")))


def _time(annotation: Mapping[str, Any]) -> datetime:
    changed = annotation.get("updated_at") or annotation.get("created_at")
    if changed is None:
        return datetime.min.replace(tzinfo=UTC)
    try:
        time = datetime.fromisoformat(str(changed))
    except ValueError as error:
        raise ItemError(
            ItemReason.BAD_LABELS, f"an annotation was changed at {shown(changed)}, which is not a time"
        ) from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)

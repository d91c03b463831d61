"""The part of a source object that an item shows, by the provenance of the stages that it passed.

Each stage that reads media records the file and the exact part; the provenance of earlier stages is nested in `from`.
"""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from reelmill.contract.commands.lineage_rows import SourceTime
from reelmill.contract.records.rows import Item, Media

_DEEPEST = 64


def source_objects(item: Item) -> list[Media]:
    """The source objects of an item of a source: its file, or those of its views; may be empty."""
    if item.media is not None:
        return [item.media]
    views = item.fields.get("views")
    found = [_media(view) for view in views.values()] if isinstance(views, Mapping) else []
    return [media for media in found if media]


def _media(view: Any) -> Media | None:
    try:
        return Media.from_json(view)
    except (ValueError, TypeError, KeyError):
        return None


def source_time(provenance: Mapping[str, Any], uri: str) -> SourceTime | None:
    """The part of the object `uri`; None if no stage has recorded one."""
    for step in _steps(provenance):
        source = step.get("source")
        if not isinstance(source, Mapping):
            continue
        if source.get("uri") == uri and (found := _time_of_cut(step)):
            return found
        for view in source.values():  # of a recording with several views
            media = view.get("media") if isinstance(view, Mapping) else None
            if isinstance(media, Mapping) and media.get("uri") == uri and (found := _time_of_view(view)):
                return found
    return None


def _steps(provenance: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The provenance of the last stage, then that of the one before it, and so on."""
    step: Any = provenance
    for _ in range(_DEEPEST):
        if not isinstance(step, Mapping):
            return
        yield step
        step = step.get("from")


def _time_of_cut(step: Mapping[str, Any]) -> SourceTime | None:
    """For a stage that reads one file: `in` and `out` of a clip, `in_pts` and `out_pts` of a sample of frames."""
    frames = step.get("frames")
    if "timeBase" in step:
        return _time(step.get("in"), step.get("out"), step["timeBase"], limits=frames)
    if "time_base" in step:
        return _time(step.get("in_pts"), step.get("out_pts"), step["time_base"], frames=frames)
    return None


def _time_of_view(view: Mapping[str, Any]) -> SourceTime | None:
    """For a stage that reads several views."""
    pts = view.get("pts")
    start, end = pts if isinstance(pts, list) and len(pts) == 2 else (None, None)
    return _time(start, end, view.get("time_base"), limits=view.get("frames"))


def _time(start: Any, end: Any, base: Any, *, limits: Any = None, frames: Any = None) -> SourceTime | None:
    if type(start) is not int or type(end) is not int or not _is_base(base):
        return None
    first, stop = limits if _are_ints(limits) and len(limits) == 2 else (None, None)
    return SourceTime(
        in_pts=start,
        out_pts=end,
        time_base=base,
        first_frame=first,
        end_frame=stop,
        frames=tuple(frames) if _are_ints(frames) else (),
    )


def _is_base(base: Any) -> bool:
    try:
        return isinstance(base, str) and Fraction(base) > 0
    except (ValueError, ZeroDivisionError):
        return False


def _are_ints(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is int for value in values)

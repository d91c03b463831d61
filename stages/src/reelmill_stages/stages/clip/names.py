"""What the pieces of a video are called, and their keys. Pure.

A clip that the listing knows has its name from there, where all rows are seen. Pieces that only cutting finds are named
after their video: `{stem}_{int(start)}_{int(end)}`, and `-2`, `-3`, … behind it where two would share that. Stems are
unique and such a tail can be read in one way only, so names of different videos cannot meet.
"""

from collections import Counter
from collections.abc import Sequence

from reelmill.contract.record import Item, Span
from reelmill_stages.file_names import clip_stem, safe_stem


def clip_name(item: Item, span: Span) -> str:
    """Name of the one clip of an item: the listing's, else made of its video and times."""
    name = item.fields.get("name")
    return str(name) if name else clip_stem(video_id(item), span.start, span.end)


def piece_names(item: Item, spans: Sequence[Span]) -> list[str]:
    """Names of all pieces of an item, in order."""
    stem = str(item.fields.get("name") or safe_stem(video_id(item)))
    used: Counter[str] = Counter()
    names = []
    for span in spans:
        name = f"{stem}_{int(span.start)}_{int(span.end)}"
        used[name] += 1
        names.append(name if used[name] == 1 else f"{name}-{used[name]}")
    return names


def piece_key(item: Item, span: Span) -> str:
    """Key of a piece: the item's and its times to the millisecond."""
    return f"{item.key}@{span.start:.3f}-{span.end:.3f}"


def video_id(item: Item) -> str:
    """The id of an item's video: `vid`, else its key."""
    vid = item.fields.get("vid")
    return item.key if vid is None else str(vid)

"""Names and keys of clips. Pure.

A clip from a listing has a name from there. Other pieces are named after their video, `{stem}_{int(start)}_{int(end)}`,
with a suffix `-2`, `-3`, … if several have the same name. Stems are unique, so names of different videos differ.
"""

from collections import Counter
from collections.abc import Sequence

from reelmill.contract.records.rows import Item, Span
from reelmill_stages.file_names import clip_stem, safe_stem


def clip_name(item: Item, span: Span) -> str:
    """The name of the only clip of an item: from the listing, or from its video and times."""
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
    """The key of a piece: the key of the item with the times in milliseconds."""
    return f"{item.key}@{span.start:.3f}-{span.end:.3f}"


def video_id(item: Item) -> str:
    """The id of an item's video: its field `vid`, or its key."""
    vid = item.fields.get("vid")
    return item.key if vid is None else str(vid)

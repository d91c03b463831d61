"""`captions.jsonl`, the view for people and tools: one row per item, in the order of the metadata.

    {"key", "media", "span", "caption"}

`media` is the file in the form of the item, and `span` its part in seconds (null for a whole file).
"""

import json
from collections.abc import Iterable
from pathlib import Path

from reelmill.contract.records.rows import Item
from reelmill_stages.media.timeline import item_span

CAPTIONS = "captions.jsonl"


def write_captions(path: Path, items: Iterable[Item], field: str) -> None:
    """Write the rows of items whose answers are in `field`."""
    with path.open("w", encoding="utf-8") as file:
        for item in items:
            span = item_span.known_span(item)
            row = {
                "key": item.key,
                "media": item.media.uri if item.media else None,
                "span": [span.start, span.end] if span else None,
                "caption": item.fields.get(field),
            }
            file.write(json.dumps(row, ensure_ascii=False) + "\n")

"""Names of arrays in a file of features: `{image_id}_grids` and `{image_id}_labels`, as RSTNet's reader asks for them.

The id is written as `%d` writes it: a leading zero would be another name, which no reader asks for.
"""

import re

GRIDS, LABELS = "grids", "labels"
_KEY = re.compile(r"(0|[1-9][0-9]*)_(grids|labels)")


def key(image_id: int, kind: str = GRIDS) -> str:
    """Name of an image's array."""
    return f"{image_id}_{kind}"


def parsed(name: str) -> tuple[int, str] | None:
    """(image id, kind) of a name, or None for one that no reader asks for."""
    match = _KEY.fullmatch(name)
    return (int(match[1]), match[2]) if match else None

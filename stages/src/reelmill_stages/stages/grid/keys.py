"""Names of arrays in a file of features: `{image_id}_grids` and `{image_id}_labels`, as expected by RSTNet's reader.

The id is formatted by `%d`, without leading zeros.
"""

import re

GRIDS, LABELS = "grids", "labels"
_KEY = re.compile(r"(0|[1-9][0-9]*)_(grids|labels)")


def key(image_id: int, kind: str = GRIDS) -> str:
    """The name of the array of an image."""
    return f"{image_id}_{kind}"


def parsed(name: str) -> tuple[int, str] | None:
    """(image id, kind) of a name, or None for any other name."""
    match = _KEY.fullmatch(name)
    return (int(match[1]), match[2]) if match else None

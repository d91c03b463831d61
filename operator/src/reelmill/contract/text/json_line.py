"""Parsing of log lines that may be JSON; logs also contain output of other programs."""

import json
from typing import Any


def json_object(line: str) -> dict[str, Any] | None:
    """The JSON object in a line, or None for any other line."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None

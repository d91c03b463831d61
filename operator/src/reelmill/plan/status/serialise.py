"""JSON form of a status in the resource: without nulls, and without default values in sources and stages."""

import json
from typing import Any

from reelmill.contract.status import Status

Json = dict[str, Any]


def as_json(status: Status) -> Json:
    """The status as JSON; reading it back gives an equal status."""
    found: Json = status.model_dump(mode="json", by_alias=True, exclude_none=True)
    few: Json = status.model_dump(mode="json", by_alias=True, exclude_defaults=True, include={"sources", "stages"})
    found.update({name: few.get(name, []) for name in ("sources", "stages")})
    for stage, written in zip(status.stages, found["stages"], strict=True):
        written["state"] = stage.state
    return found


def size(status: Status) -> int:
    """Size of the JSON form in bytes."""
    return len(json.dumps(as_json(status), separators=(",", ":"), ensure_ascii=False).encode())

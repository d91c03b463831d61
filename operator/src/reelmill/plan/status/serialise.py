"""How a status is stored in the resource: without nulls, and of sources and stages only what says something."""

import json
from typing import Any

from reelmill.contract.status import Status

Json = dict[str, Any]


def as_json(status: Status) -> Json:
    """The status as JSON. Reading it back gives the same one."""
    found: Json = status.model_dump(mode="json", by_alias=True, exclude_none=True)
    few: Json = status.model_dump(mode="json", by_alias=True, exclude_defaults=True, include={"sources", "stages"})
    found.update({name: few.get(name, []) for name in ("sources", "stages")})
    for stage, written in zip(status.stages, found["stages"], strict=True):
        written["state"] = stage.state
    return found


def size(status: Status) -> int:
    """Bytes that it takes in the resource."""
    return len(json.dumps(as_json(status), separators=(",", ":"), ensure_ascii=False).encode())

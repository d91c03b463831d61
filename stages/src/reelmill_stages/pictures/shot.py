"""A small picture of an item, or the reason why there is none."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shot:
    """A frame as JPEG with its size in pixels, or the reason why there is none."""

    jpeg: bytes = b""
    width: int = 0
    height: int = 0
    problem: str = ""

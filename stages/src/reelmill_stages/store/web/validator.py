"""What tells one version of a file of a web server from another: its size, and ETag or Last-Modified (RFC 9110, 8.8).

Servers differ in what they say and in which conditions they obey. Therefore conditions are sent, and every answer is
compared as well.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

_ETAG = re.compile(r'(?:W/)?"[^"]*"')


@dataclass(frozen=True, slots=True)
class Validator:
    """A version of a file. `tag` is the ETag as its header has it, or the date of Last-Modified, or empty.

    An ETag without quotes is none: no condition could name it.
    """

    size: int
    """Bytes."""
    tag: str = ""

    @classmethod
    def of(cls, size: int, headers: Mapping[str, str]) -> Self:
        """That of an answer about a file of `size` bytes."""
        etag = headers.get("etag", "")
        return cls(size, etag if _ETAG.fullmatch(etag) else headers.get("last-modified", ""))

    @classmethod
    def parsed(cls, text: str) -> Self:
        """The inverse of `str`. Raises ValueError for other text."""
        size, _, tag = text.partition(" ")
        return cls(int(size), tag)

    def __str__(self) -> str:
        return f"{self.size} {self.tag}".rstrip()

    @property
    def allows_ranges(self) -> bool:
        """Whether ranges with this validator are those of one sequence of bytes: not with a weak ETag, or none."""
        return bool(self.tag) and not self.tag.startswith("W/")

    def conditions(self) -> dict[str, str]:
        """Headers of a request that must get this version."""
        if self.tag.startswith('"'):
            return {"If-Match": self.tag}
        return {"If-Unmodified-Since": self.tag} if self.allows_ranges else {}

    def range_conditions(self) -> dict[str, str]:
        """Headers of a request for a range of this version. A server that obeys only If-Range sends another whole."""
        return self.conditions() | {"If-Range": self.tag} if self.allows_ranges else {}

    def contradicted(self, headers: Mapping[str, str]) -> bool:
        """Whether the headers of an answer name another version."""
        told = headers.get("etag", "") if self.tag.startswith(('"', "W/")) else headers.get("last-modified", "")
        return bool(self.tag) and bool(told) and told != self.tag

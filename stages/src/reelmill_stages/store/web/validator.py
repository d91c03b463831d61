"""Identifies a version of a file of a web server: its size, and ETag or Last-Modified (RFC 9110, 8.8).

Servers differ in the headers that they send and in the conditions that they support. Therefore conditions are sent, and
every response is compared as well.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

_ETAG = re.compile(r'(?:W/)?"[^"]*"')


@dataclass(frozen=True, slots=True)
class Validator:
    """A version of a file. `tag` is the ETag in the form of its header, or the date of Last-Modified, or empty.

    An ETag without quotes is ignored, because no condition could contain it.
    """

    size: int
    """Size in bytes."""
    tag: str = ""

    @classmethod
    def of(cls, size: int, headers: Mapping[str, str]) -> Self:
        """Return the version in a response about a file of `size` bytes."""
        etag = headers.get("etag", "")
        return cls(size, etag if _ETAG.fullmatch(etag) else headers.get("last-modified", ""))

    @classmethod
    def parsed(cls, text: str) -> Self:
        """Parse the result of `str`. Raises ValueError for other text."""
        size, _, tag = text.partition(" ")
        return cls(int(size), tag)

    def __str__(self) -> str:
        return f"{self.size} {self.tag}".rstrip()

    @property
    def allows_ranges(self) -> bool:
        """Whether ranges with this validator are those of one sequence of bytes: not with a weak ETag, or none."""
        return bool(self.tag) and not self.tag.startswith("W/")

    def conditions(self) -> dict[str, str]:
        """Return the headers of a request that must return this version."""
        if self.tag.startswith('"'):
            return {"If-Match": self.tag}
        return {"If-Unmodified-Since": self.tag} if self.allows_ranges else {}

    def range_conditions(self) -> dict[str, str]:
        """Return the headers of a request for a range of this version.

        A server that supports only If-Range sends another version as a whole.
        """
        return self.conditions() | {"If-Range": self.tag} if self.allows_ranges else {}

    def contradicted(self, headers: Mapping[str, str]) -> bool:
        """Return whether the headers of a response identify another version."""
        found = headers.get("etag", "") if self.tag.startswith(('"', "W/")) else headers.get("last-modified", "")
        return bool(self.tag) and bool(found) and found != self.tag

"""What `reelmill check` reports: one finding per file and rule of the consumer that the file is meant for.

A format's check opens a plain local folder (an export, or anybody's) with the consumer's own rules. It never raises
for bad data: what is wrong is a finding with the rule's name.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from reelmill.contract.text.messages import told


@dataclass(frozen=True, slots=True)
class Finding:
    """`file` is relative to the folder; `rule` a fixed word such as `size_length`; `ok` False for a broken rule."""

    file: str
    rule: str
    ok: bool
    message: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", told(self.message))


def unreadable(error: Exception) -> str:
    """The message of a finding for a file that could not be read, or whose content is not as expected."""
    if isinstance(error, FileNotFoundError):
        return "the file is missing"
    if isinstance(error, KeyError):
        return f"the field {error} is missing"
    return str(error) or type(error).__name__


class Check(Protocol):
    """The check of one format: the class `<Format>Check` in the module `check` of a stage, which sets `FORMAT`."""

    def detect(self, folder: Path) -> bool:
        """Whether the folder holds this format."""
        ...

    def check(self, folder: Path) -> Iterator[Finding]:
        """At least one finding per file."""
        ...

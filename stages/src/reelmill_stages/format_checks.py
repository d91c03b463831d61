"""Findings and the interface of checks for `reelmill check`: one finding per file and rule of the file's consumer.

The check of a format applies the consumer's rules to a local folder, which may be an export or come from elsewhere. It
never raises for bad data: each problem is a finding with the name of the rule.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from reelmill.contract.text.messages import safe_message


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one rule for one file.

    `file` is relative to the folder, `rule` is a fixed word such as `size_length`, and `ok` is False for a broken rule.
    """

    file: str
    rule: str
    ok: bool
    message: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", safe_message(self.message))


def unreadable(error: Exception) -> str:
    """Return the message of a finding for a file that cannot be read or has unexpected content."""
    if isinstance(error, FileNotFoundError):
        return "the file is missing"
    if isinstance(error, KeyError):
        return f"the field {error} is missing"
    return str(error) or type(error).__name__


class Check(Protocol):
    """The check of one format: the class `<Format>Check` in the module `check` of a stage, which sets `FORMAT`."""

    def detect(self, folder: Path) -> bool:
        """Whether the folder contains this format."""
        ...

    def check(self, folder: Path) -> Iterator[Finding]:
        """Yield at least one finding per file."""
        ...

"""One thing that was shown, or was not."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """How it came out."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Case:
    """`why`: what failed, or why it was skipped; of a case that passed, what is worth to know."""

    part: str
    case: str
    outcome: Outcome
    why: str = ""
    numbers: dict[str, Any] = field(default_factory=dict)
    """What was measured: JSON values."""

    def to_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value not in ("", {})}

    @classmethod
    def from_json(cls, line: str) -> Case:
        found = json.loads(line)
        return cls(**{**found, "outcome": Outcome(found["outcome"])})


def passed(part: str, case: str, why: str = "", **numbers: Any) -> Case:
    """A case that came out as it should."""
    return Case(part, case, Outcome.PASSED, why, numbers)


def failed(part: str, case: str, why: str, **numbers: Any) -> Case:
    """A case that did not."""
    return Case(part, case, Outcome.FAILED, why, numbers)


def skipped(part: str, case: str, why: str) -> Case:
    """A case that was not tried."""
    return Case(part, case, Outcome.SKIPPED, why)


def judged(part: str, case: str, problems: list[str], **numbers: Any) -> Case:
    """A case that passed if nothing is wrong with it."""
    return failed(part, case, "; ".join(problems), **numbers) if problems else passed(part, case, **numbers)

"""Stored answers of model servers, which cost money or time.

Part of the stage SDK; import these names from `reelmill_stages.stage`.
"""

from collections.abc import Mapping
from typing import Protocol


class Answers(Protocol):
    """The answers that a stage got for its data set, and their cost. They persist across pods, passes and retries."""

    def find(self, question: str) -> str | None:
        """Return the stored answer to this question, or None.

        A question is a text with everything that the answer depends on, and nothing else.
        """
        ...

    def keep(self, question: str, answer: str) -> str:
        """Store the answer and return the effective one, which another pod may have stored earlier."""
        ...

    def spend(self, counters: Mapping[str, int]) -> None:
        """Add to what the stage has spent, such as `{"tokens": 812}`. It is shown among the stage's counters."""
        ...

    def allows(self, counter: str, limit: int) -> bool:
        """Whether all pods and passes of the stage together have spent less than `limit` so far."""
        ...


class NoAnswers:
    """An `Answers` that stores nothing, for work outside a data set, such as `reelmill replay`."""

    def find(self, question: str) -> str | None:
        return None

    def keep(self, question: str, answer: str) -> str:
        return answer

    def spend(self, counters: Mapping[str, int]) -> None:
        pass

    def allows(self, counter: str, limit: int) -> bool:
        return True

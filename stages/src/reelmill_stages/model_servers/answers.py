"""Answers of servers, which cost money or time: a part of the stage SDK, imported from `reelmill_stages.stage`."""

from collections.abc import Mapping
from typing import Protocol


class Answers(Protocol):
    """The answers that a stage got for its data set, and what they cost. They outlive pods, passes and retries."""

    def find(self, question: str) -> str | None:
        """The answer that was kept for this question, or None.

        A question is a text with everything that the answer depends on, and nothing else.
        """
        ...

    def keep(self, question: str, answer: str) -> str:
        """Keep the answer; returns the one that counts, which another pod may have kept before."""
        ...

    def spend(self, counters: Mapping[str, int]) -> None:
        """Add to what the stage has spent, such as `{"tokens": 812}`. It is shown among the counters of the stage."""
        ...

    def allows(self, counter: str, limit: int) -> bool:
        """Whether all pods and passes of the stage together have spent less than `limit` so far."""
        ...


class NoAnswers:
    """Answers that are not kept, for work outside of a data set, such as `reelmill replay`."""

    def find(self, question: str) -> str | None:
        return None

    def keep(self, question: str, answer: str) -> str:
        return answer

    def spend(self, counters: Mapping[str, int]) -> None:
        pass

    def allows(self, counter: str, limit: int) -> bool:
        return True

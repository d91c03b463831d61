"""What each way to find duplicates gives: signatures, their terms, and whether two of them are those of duplicates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from reelmill.contract.errors import ItemError
from reelmill_stages.stage import Input, Terms, Work
from reelmill_stages.weight import Weight


@dataclass(frozen=True, slots=True)
class Match:
    """Two items are duplicates."""

    distance: float
    note: str = ""
    """Further words for the message."""


class DuplicateRule(Protocol):
    """One way to find duplicates."""

    unit: str
    """Of distances, for messages."""

    def sign(self, given: Sequence[Input], work: Work) -> list[bytes | ItemError]:
        """The signatures of the inputs of a group, or the errors of those that have none."""
        ...

    def terms(self, signatures: Sequence[bytes]) -> Terms:
        """As `Stage.terms`: duplicates share at least one, with high probability."""
        ...

    def parse(self, signature: bytes) -> Any:
        """A signature, made ready to be compared."""
        ...

    def match(self, one: Any, kept: Any) -> Match | None:
        """Whether an item is a duplicate of a kept one, from their parsed signatures."""
        ...

    def signature_bytes(self, items: int, weight: Weight) -> int | None:
        """The size of so many signatures and their terms, for forecasts."""
        ...

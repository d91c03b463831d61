"""The interface of the methods that find duplicates: signatures, their terms, and the comparison of two signatures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from reelmill.contract.errors import ItemError
from reelmill_stages.stage import Input, Terms, Work
from reelmill_stages.weight import Weight


@dataclass(frozen=True, slots=True)
class Match:
    """The result for two items that are duplicates."""

    distance: float
    note: str = ""
    """Additional text for the message."""


class DuplicateRule(Protocol):
    """A method to find duplicates."""

    unit: str
    """Unit of distances, for messages."""

    def sign(self, given: Sequence[Input], work: Work) -> list[bytes | ItemError]:
        """Return the signatures of the inputs of a group, or the errors of those without one."""
        ...

    def terms(self, signatures: Sequence[bytes]) -> Terms:
        """Return terms as `Stage.terms`: duplicates share at least one, with high probability."""
        ...

    def parse(self, signature: bytes) -> Any:
        """Parse a signature for comparisons."""
        ...

    def match(self, one: Any, kept: Any) -> Match | None:
        """Compare the parsed signatures of an item and a kept one; None: it is not a duplicate."""
        ...

    def signature_bytes(self, items: int, weight: Weight) -> int | None:
        """Return the size of this many signatures and their terms, for forecasts."""
        ...

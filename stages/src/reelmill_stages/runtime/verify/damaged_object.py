"""A finding of the deep check."""

from dataclasses import dataclass

from reelmill.contract.errors import StoreDamaged


@dataclass(frozen=True, slots=True)
class DamagedObject:
    """The key of an object, and the error that a reader of it would get."""

    key: str
    error: StoreDamaged

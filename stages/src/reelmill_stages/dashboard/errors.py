"""Errors for requested objects that do not exist, or whose rows have not been read yet."""

from reelmill.contract.errors import SpecError, TransientError


class NoSuch(SpecError):
    """There is no pipeline, stage, item or file of that name."""


class NotIndexed(TransientError):
    """The index of a data set does not contain all rows yet, so a missing object may still appear."""

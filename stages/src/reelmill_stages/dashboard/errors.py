"""What was asked for and is not there, or not yet."""

from reelmill.contract.errors import SpecError, TransientError


class NoSuch(SpecError):
    """No pipeline, stage, item or file of that name."""


class NotIndexed(TransientError):
    """The index of a data set does not have all rows yet, so nobody can say that it lacks what was asked for."""

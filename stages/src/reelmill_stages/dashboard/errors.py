"""What was asked for and is not there."""

from reelmill.contract.errors import SpecError


class NoSuch(SpecError):
    """No pipeline, stage, item or file of that name."""

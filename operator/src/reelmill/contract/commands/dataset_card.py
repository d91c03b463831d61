"""Result of `reelmill card`."""

from reelmill.contract.commands.result_rows import CommandRow
from reelmill.contract.commands.tuning import Values


class CardResult(CommandRow):
    """A dataset card that was written."""

    stage: str
    key: str
    """Key of the data set."""
    segment: int
    """The last segment that is included."""
    folder: str
    files: list[str]
    """Names of the files that were written to the folder."""
    items: int
    described: int
    """Number of exported files that `croissant.json` describes; 0: the folder contains no export."""
    licences: Values | None
    """Values of the licence field; None: no field was given, or no item has it."""

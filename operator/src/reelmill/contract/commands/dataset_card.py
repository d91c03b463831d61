"""What `reelmill card` gives back."""

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
    """Number of files of the export that `croissant.json` describes; 0: the folder holds no export."""
    licences: Values | None
    """Values of the field with the licences; None: no field was named, or no item has it."""

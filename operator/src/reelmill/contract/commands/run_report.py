"""What `reelmill report` is given."""

from reelmill.contract.commands.outcome import RunVerdict
from reelmill.contract.commands.result_rows import CommandRow
from reelmill.contract.commands.summary import Moment


class ReportResult(CommandRow):
    """A run report, with the moment and the verdict that it shows."""

    moment: Moment
    verdict: RunVerdict
    html: str

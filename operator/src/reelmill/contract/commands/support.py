"""What a support bundle is told about a store."""

from reelmill.contract.commands.result_rows import CommandRow


class SupportRecord(CommandRow):
    """A record or a log of the store, or why it cannot be read."""

    key: str
    text: str = ""
    problem: str = ""

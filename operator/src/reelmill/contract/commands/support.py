"""Contents of a support bundle that come from a store."""

from reelmill.contract.commands.result_rows import CommandRow


class SupportRecord(CommandRow):
    """A record or log in the store, or why it cannot be read."""

    key: str
    text: str = ""
    problem: str = ""

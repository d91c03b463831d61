"""What `reelmill validate` is told about the places that a pipeline names: its store, and folders of its sources."""

from reelmill.contract.commands.result_rows import CommandRow


class SourceProblem(CommandRow):
    """A parameter of a source that no run accepts, or something to know about it."""

    source: str
    """Name of the source; empty for the store."""
    field: str
    """Name of the parameter; empty for the whole block."""
    problem: str
    hint: str = ""


class PlacesResult(CommandRow):
    """What the definitions of a store and its sources alone say, without a request to either."""

    problems: list[SourceProblem]
    notes: list[SourceProblem]

"""Results of `reelmill validate` about the locations in a pipeline: its store, and the folders of its sources."""

from reelmill.contract.commands.result_rows import CommandRow


class SourceProblem(CommandRow):
    """An invalid parameter of a source, or a remark about it."""

    source: str
    """Name of the source; empty for the store."""
    field: str
    """Name of the parameter; empty for the whole block."""
    problem: str
    hint: str = ""


class PlacesResult(CommandRow):
    """Result of checking the definitions of a store and its sources, without a request to either."""

    problems: list[SourceProblem]
    notes: list[SourceProblem]

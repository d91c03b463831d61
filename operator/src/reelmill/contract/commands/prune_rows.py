"""What `reelmill prune` gives back: data sets that nobody claims, and the claims on others."""

from reelmill.contract.commands.result_rows import CommandRow


class PrunedRow(CommandRow):
    """A data set that no pipeline claims."""

    name: str
    key: str
    objects: int
    bytes: int
    deleted: bool
    left: list[str]
    """Names of objects in its folder that reelmill did not write."""


class ClaimRow(CommandRow):
    """The claim of another pipeline, or of a frozen state, on data sets that this one does not make."""

    uid: str
    name: str
    """`namespace/name`; empty where the claim does not say."""
    by_name: bool
    """Version 0.1.0 wrote it, which knew pipelines by name alone."""
    frozen_as: str = ""
    """The frozen state that it belongs to; empty for that of a pipeline."""
    data_sets: list[str]


class PruneResult(CommandRow):
    """What nobody claims, and what was left alone."""

    rows: list[PrunedRow]
    unknown: list[str]
    """Folders with records that do not say what they are."""
    claims: list[ClaimRow]
    trash: str
    """URI of the folder that things were moved to; empty where nothing was moved."""

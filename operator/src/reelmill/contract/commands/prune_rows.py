"""Results of `reelmill prune`: data sets without a claim, and the claims on others."""

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
    """The claim of another pipeline, or of a frozen state, on data sets that this pipeline does not make."""

    uid: str
    name: str
    """`namespace/name`; empty if the claim does not contain it."""
    by_name: bool
    """Whether version 0.1.0 wrote it, which identified pipelines only by name."""
    frozen_as: str = ""
    """The frozen state that it belongs to; empty for the claim of a pipeline."""
    data_sets: list[str]


class PruneResult(CommandRow):
    """Data sets without a claim, and objects that were left alone."""

    rows: list[PrunedRow]
    data_sets: int
    """Number of folders of data sets in the store."""
    unknown: list[str]
    """Folders with records that do not identify the data set."""
    claims: list[ClaimRow]
    trash: str
    """URI of the folder that objects were moved to; empty if none was moved."""

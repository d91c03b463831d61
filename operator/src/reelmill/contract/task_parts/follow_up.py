"""Work that a step does after its task, if it can, passed in `REELMILL_NEXT`.

Operator and stage images may have different versions. An image that cannot read the variable does only its task, and
the planner runs the remaining steps as separate Jobs. A report has fields about a follow-up only if the variable was
set, because an older operator rejects unknown fields.
"""

from pydantic import Field

from reelmill.contract.model import Model
from reelmill.contract.task import StageDef

ENV = "REELMILL_NEXT"
"""Environment variable that contains the FollowUp as JSON."""


class PassBound(Model):
    """The largest pass that one pod opens, processes and commits. A pass must also fit into one shard."""

    items: int
    """Number of input items; 0: no pass is that small."""
    seconds: float
    """Weight of the input items in seconds of video."""
    bytes: int
    """Weight of the input items in bytes, for items that are weighed by size."""


class NextStage(Model):
    """A stage whose next pass this step may open or measure after its work is done."""

    name: str
    stage: StageDef | None = None
    """Its definition; None: it is in the task."""
    shard_count: int = 0
    """Number of shards; 0: derived from the weight of the inputs."""
    workers: int = 0
    """Number of worker processes of a shard; 0: one per CPU."""
    gates: dict[str, str | None] = Field(default_factory=dict)
    """Upstream stage -> its `failures.tolerate`: above it, nothing more is covered."""
    opens: bool = False
    """Whether the pass may be opened by this pod; otherwise it is only measured."""


class FollowUp(Model):
    """The work after the task. Empty: only the report fields that this version added are requested."""

    whole: bool = False
    """Open: continue by processing and committing the pass, if it fits `bound`."""
    closes: bool = False
    """Shards: continue by committing the pass, if all of its shards are committed."""
    bound: PassBound | None = None
    """The largest pass for one pod; None: no pass is done by one pod."""
    next: tuple[NextStage, ...] = ()
    """Survey, commit, open with `whole` and shards with `closes`: the stages whose next passes are opened or measured.
    """
    waves: int = 1
    """Number of passes into which the new segments of a source are divided."""

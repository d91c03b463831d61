"""Settings of the planner that do not come from the resource: images and identity of pods, and the policy."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from reelmill.contract.policy.model import OPEN, Policy
from reelmill.contract.spec.block import StageBlock
from reelmill.contract.spending import Prices
from reelmill.contract.task_parts.follow_up import PassBound


class QueueSystem(StrEnum):
    """The system that `spec.queue.name` refers to."""

    KUEUE = "kueue"
    """A LocalQueue: Kueue starts a Job by clearing its `suspend`."""
    VOLCANO = "volcano"
    """A Queue of the scheduler Volcano."""
    YUNIKORN = "yunikorn"
    """A queue below `root` of the scheduler YuniKorn."""


@dataclass(frozen=True, slots=True)
class PodExtras:
    """Additions to every pod of a pipeline that its steps do not need."""

    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels of pods and Jobs; labels of reelmill take precedence."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    scheduler_name: str = ""
    """Scheduler of the pods; empty: the cluster's, or that of the queue."""
    queue_system: QueueSystem = QueueSystem.KUEUE


@dataclass(frozen=True, slots=True)
class PlannerSettings:
    """Settings that are set once, when the operator or a local run starts."""

    image: str = "reelmill-stages"
    """Image of stage pods if the resource names none."""
    embed_image: str = "reelmill-stages:embed"
    """Image of stages that run a model, if the resource names none."""
    image_pull_policy: str = "IfNotPresent"
    service_account: str = ""
    """Service account of stage pods if the resource names none; empty: the namespace's default."""
    grace_seconds: int = 60
    """Seconds from SIGTERM to SIGKILL: time to write a checkpoint."""
    whole_items: int = 1000
    """Maximum number of input items of a pass of one shard that a single pod does as a whole; 0: none."""
    whole_seconds: float = 7200.0
    """The same limit in seconds of video."""
    whole_bytes: int = 16 * 2**30
    """The same limit in bytes, for items that are weighed by size."""

    run_reports: bool = False
    """Whether the step that ends a run writes a report to the store."""
    prices: Prices = field(default_factory=Prices)
    """Prices of an hour of a pod."""
    extras: PodExtras = field(default_factory=PodExtras)
    policy: Policy = OPEN
    """What pipelines may request."""

    @property
    def bound(self) -> PassBound | None:
        """The largest pass for one pod; None: every pass runs in three steps."""
        if not self.whole_items:
            return None
        return PassBound(items=self.whole_items, seconds=self.whole_seconds, bytes=self.whole_bytes)

    def image_of(self, block: StageBlock | None) -> str:
        """The image for a stage's block; without a block (survey, removal), the one without torch."""
        return self.embed_image if block and block.torch_image else self.image

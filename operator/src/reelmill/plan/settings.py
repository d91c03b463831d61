"""What whoever runs the planner decides, as against the resource: images and identity of pods."""

from dataclasses import dataclass

from reelmill.contract.spec.block import StageBlock


@dataclass(frozen=True, slots=True)
class PlannerSettings:
    """Set once when the operator starts (or by the local runner)."""

    image: str = "reelmill-stages"
    """Image of stage pods where the resource names none."""
    embed_image: str = "reelmill-stages:embed"
    """The same of stages that run a model."""
    image_pull_policy: str = "IfNotPresent"
    service_account: str = ""
    """Service account of stage pods where the resource names none; empty: the namespace's default."""
    grace_seconds: int = 60
    """From SIGTERM to SIGKILL: time to write a checkpoint."""

    def image_of(self, block: StageBlock | None) -> str:
        """The image for a stage's block; without a block (survey, removal), the small one."""
        return self.embed_image if block and block.runs_model else self.image

"""What whoever runs the planner decides, as against the resource: images and identity of pods."""

from dataclasses import dataclass

MODELS = frozenset({"embed", "grid"})
"""Blocks that run a model: their image holds torch."""


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

    def image_of(self, stage: str) -> str:
        """The image for a stage's block; for none of them, the one that is small."""
        return self.embed_image if stage in MODELS else self.image

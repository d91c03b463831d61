"""What whoever runs the planner decides, as against the resource: images and identity of pods."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """Set once when the operator starts (or by the local runner)."""

    image: str = "reelmill-stages"
    """Image of stage pods where the resource names none."""
    image_pull_policy: str = "IfNotPresent"
    service_account: str = ""
    """Service account of stage pods where the resource names none; empty: the namespace's default."""
    grace_seconds: int = 60
    """From SIGTERM to SIGKILL: time to write a checkpoint."""

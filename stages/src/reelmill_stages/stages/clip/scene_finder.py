"""Finds the scenes of videos with the detector of the block."""

from functools import cached_property
from typing import TYPE_CHECKING

from reelmill.contract.spec.field_types import seconds
from reelmill.contract.spec.stages.clip import ClipBlock
from reelmill_stages.media.decoding import scenes
from reelmill_stages.media.gpu_fallback import GpuFallback
from reelmill_stages.media.timeline.timeline import Timeline
from reelmill_stages.media_file import MediaFile
from reelmill_stages.models import transnetv2

if TYPE_CHECKING:
    from reelmill_stages.models.transnetv2 import TransNet


class SceneFinder:
    """Finds scenes; loads its model, if it has one, for the first video."""

    def __init__(self, block: ClipBlock) -> None:
        self._block = block
        self._model: TransNet | None = None

    def check(self) -> None:
        """Raise SpecError if the packages of the detector are not installed."""
        if self._block.detector == "transnetv2":
            transnetv2.require()
        else:
            scenes.require()

    def find(
        self,
        path: MediaFile,
        timeline: Timeline,
        frames: range,
        *,
        gpu: int | None,
        watcher: scenes.Watcher | None = None,
    ) -> list[range]:
        """Find the scenes among the frames, in order, without overlaps. `gpu` is the index of the GPU of this worker.

        `watcher` observes the decoding of a detector other than transnetv2. Raises SpecError without the packages, and
        what `decode` raises.
        """
        if self._rule is not None:
            return scenes.scenes(path, timeline, frames, self._rule, watcher)
        if self._model is None:
            self._model = transnetv2.TransNet(self._block.device, gpu)
        return self._model.scenes(path, timeline, frames, self._block.scene_threshold)

    @property
    def fallback(self) -> GpuFallback | None:
        """Why the CPU runs the model although a GPU was requested or is present."""
        return self._model.device.fallback if self._model else None

    @cached_property
    def _rule(self) -> scenes.SceneRule | None:
        block = self._block
        if block.detector == "transnetv2":
            return None
        shortest = seconds(block.min_length) if block.short_scenes == "merge" else None
        return scenes.SceneRule(block.detector, block.scene_threshold, shortest)

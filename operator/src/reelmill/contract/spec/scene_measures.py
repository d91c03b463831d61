"""`clip.measure`: what is measured in the decode that finds scenes."""

from pydantic import Field

from reelmill.contract.spec.spec_model import SpecModel
from reelmill.contract.spec.stages.measure import FrameChoice, MeasureBlock, Reductions


class SceneMeasures(SpecModel):
    """Measures scenes in the decode that finds them. Fields and values are those of a stage `measure`."""

    frames: FrameChoice = FrameChoice(fps=2)
    """Frames for the measures of pictures and motion: `all` or `fps`. If absent, 2 frames per second."""
    reduce: Reductions = Field(default_factory=dict)
    """How the values of frames become numbers, as in a stage `measure`."""
    picture: bool = True
    """Measure what frames look like: luma, contrast, blur, black bars and so on."""
    motion: bool = True
    """Measure what changes between frames: motion, camera, cuts, frozen pictures."""
    sound: bool = True
    """Measure loudness, peaks, silence and length of the first audio stream."""

    @property
    def stage(self) -> MeasureBlock:
        """The block of the stage that measures the same."""
        return MeasureBlock(
            frames=self.frames, reduce=self.reduce, picture=self.picture, motion=self.motion, sound=self.sound
        )

    def refusals(self) -> list[str]:
        """Errors in the combination of fields, one sentence each."""
        if self.frames.count is not None:
            return ["frames has count, which depends on where a scene ends: give fps or all, or add a stage measure"]
        return self.stage.refusals()

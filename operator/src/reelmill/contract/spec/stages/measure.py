"""`measure`: measure videos and clips, which pass unchanged."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import AfterValidator, Field

from reelmill.contract.measures import Measure, MeasureFamily
from reelmill.contract.spec.block import StageBlock
from reelmill.contract.spec.measure_models import (
    BrisqueModel,
    ClipModel,
    FacesModel,
    NsfwModel,
    SpeechModel,
    TextModels,
)
from reelmill.contract.spec.spec_model import SpecModel

_DEFAULTS: Mapping[Measure, Sequence[str]] = {Measure.MOTION: ("mean", "p90")}
"""Reductions of measures that do not use only the default reduction."""

_MODELS = ("text", "faces", "nsfw", "speech", "brisque", "clip")


def _reductions(given: dict[str, list[str]]) -> dict[str, list[str]]:
    reducible = [each.value for each in Measure if each.reduction]
    for name, wanted in given.items():
        if name not in reducible:
            raise ValueError(f"{name!r} has no value per frame; those that have are {', '.join(reducible)}")
        words = [each.split()[0] for each in wanted]
        if len(set(words)) < len(words):
            raise ValueError(f"{name}: the same reduction twice in {wanted}")
    return given


class FrameChoice(SpecModel):
    """Which frames of a clip are used: exactly one of the fields."""

    all: bool = False
    """All frames."""
    fps: Annotated[float, Field(gt=0, le=240)] | None = None
    """The frames on screen at 0, 1/fps, 2/fps, … seconds after the first."""
    count: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """The frames at the centres of this number of equal parts; all frames of a clip that has fewer."""

    @property
    def choices(self) -> int:
        """How many of the fields are set."""
        return self.all + (self.fps is not None) + (self.count is not None)


Reduction = Annotated[str, Field(pattern=r"^(mean|min|p10|p50|p90|max|above -?\d+(\.\d+)?)$", max_length=32)]

Reductions = Annotated[
    dict[str, Annotated[list[Reduction], Field(min_length=1, max_length=7)]],
    Field(max_length=64),
    AfterValidator(_reductions),
]


class MeasureBlock(StageBlock):
    """Decodes each video or clip once and adds numbers about it to its item, as fields `measures.<name>`.

    The items pass with their media unchanged; nothing is filtered. A field that is absent was not measured, such as the
    loudness of a clip without sound.
    """

    takes = frozenset({"videos", "spans"})
    data_version = 3
    """2: shares and means of pixels are computed on lines at equal distances. 3: fewer of these lines; motion is that
    of the downscaled copy in which DIS finds it, before the field is enlarged.
    """
    passes_items = True
    keeps_fields = True

    frames: FrameChoice = FrameChoice(fps=2)
    """Frames for the measures of pictures and motion. The difference between successive frames depends on their
    distance, so limits hold for one choice. If absent, 2 frames per second."""
    model_frames: FrameChoice = FrameChoice(count=4)
    """Frames for models. If absent, 4 frames of each clip."""
    reduce: Reductions = Field(default_factory=dict)
    """How the values of frames become numbers: the name of a measure -> a list of `mean`, `min`, `p10`, `p50`, `p90`,
    `max` and `above NUMBER` (the share of frames above it). A measure that is not named has its default, and `motion`
    has `mean` and `p90`."""
    picture: bool = True
    """Measure what frames look like: luma, contrast, blur, black bars and so on."""
    motion: bool = True
    """Measure what changes between frames: motion, camera, cuts, frozen pictures."""
    sound: bool = True
    """Measure loudness, peaks, silence and length of the first audio stream."""
    text: TextModels | None = None
    """Find and read text in the picture."""
    faces: FacesModel | None = None
    """Find faces."""
    nsfw: NsfwModel | None = None
    """Classify nudity."""
    speech: SpeechModel | None = None
    """Find speech in the first audio stream."""
    brisque: BrisqueModel | None = None
    """Score quality with BRISQUE."""
    clip: ClipModel | None = None
    """Score aesthetics and the similarity of text and picture with CLIP."""

    @property
    def added_fields(self) -> frozenset[str]:
        return frozenset(f"measures.{name}" for name in self.measured)

    @property
    def models(self) -> Sequence[str]:
        """The names of the fields that have a model."""
        return [name for name in _MODELS if getattr(self, name) is not None]

    @property
    def torch_image(self) -> bool:
        return self.clip is not None

    @property
    def families(self) -> frozenset[MeasureFamily]:
        """The families of measures that are computed."""
        return frozenset({MeasureFamily.CONTAINER, *(each for each in MeasureFamily if getattr(self, each, False))})

    @property
    def measures(self) -> Sequence[Measure]:
        """The measures that are computed, in the order of their declaration."""
        left_out = set()
        if self.clip is not None and self.clip.aesthetic is None:
            left_out.add(Measure.AESTHETIC)
        if self.clip is not None and self.clip.text == "none":
            left_out.add(Measure.TEXT_SIMILARITY)
        return [each for each in Measure if each.family in self.families and each not in left_out]

    @property
    def measured(self) -> Sequence[str]:
        """The names of the fields `measures.<name>` that items can get."""
        return [name for each in self.measures for name, _ in self.reductions(each)]

    def reductions(self, measure: Measure) -> Sequence[tuple[str, str]]:
        """(name of the field, reduction) of a measure; one with an empty reduction, for a measure of the clip."""
        if not measure.reduction:
            return [(measure.value, "")]
        chosen: Sequence[str] = self.reduce.get(measure.value) or _DEFAULTS.get(measure, [measure.reduction])
        return [(measure.reduced(each.split()[0]), each) for each in chosen]

    def refusals(self) -> list[str]:
        wrong = [
            f"{name} has {choice.choices} of all, fps and count: give one"
            for name, choice in (("frames", self.frames), ("modelFrames", self.model_frames))
            if choice.choices != 1
        ]
        if self.clip is not None and self.clip.aesthetic is None and self.clip.text == "none":
            wrong.append("clip measures nothing: give aesthetic, or a field in text")
        made = {each.value for each in self.measures}
        unused = sorted(name for name in self.reduce if name not in made)
        if unused:
            wrong.append(f"reduce names measures that are not made: {', '.join(unused)}")
        return wrong

"""`clip`: cut videos into clips."""

from typing import Annotated, Any, Literal

from pydantic import Field

from reelmill.contract.spec.block import StageBlock
from reelmill.contract.spec.field_types import Duration, seconds
from reelmill.contract.spec.scene_measures import SceneMeasures

THRESHOLDS = {"content": 27.0, "adaptive": 3.0, "histogram": 0.2, "transnetv2": 0.5}
"""Detector -> its default threshold, which is that of its authors."""
_SHARES = frozenset({"histogram", "transnetv2"})
"""Detectors whose threshold is a share of 1."""


class ClipBlock(StageBlock):
    """Cuts each video into clips, or only records their spans (`mode: virtual`)."""

    takes = frozenset({"videos"})
    gives = "videos"
    keeps_fields = True

    by: Literal["metadata", "length", "scenes", "keyframes"] = "metadata"
    """How clips are determined: by the spans of the items (`start`, `end`), by equal lengths, by detected scenes, or by
    key frames. With `keyframes`, a clip begins at each frame from which decoding can begin according to the bitstream,
    whatever the container marks as key frames; copies of such clips have no hidden frames."""
    mode: Literal["copy", "reencode", "virtual"] = "copy"
    """`copy` keeps the packets and hides the pre-roll with an edit list; what an mp4 cannot show exactly that way, such
    as VP8, is encoded as h264 and counted as `reencoded`. `reencode` is for readers that ignore edit lists. `virtual`
    writes no clip files: later stages read the span of the source. Encoded pictures are 4:2:0, or 4:4:4 if a side is
    odd."""
    length: Duration = "10s"
    """Length of a clip with `by: length`; the last clip of a video may be shorter."""
    min_length: Duration = "0s"
    """Minimum length. Shorter clips are `filtered(too_short)`; with `by: length`, `scenes` or `keyframes`, they are
    omitted and counted."""
    max_length: Duration | None = None
    """Maximum length. Longer clips are `filtered(too_long)`; scenes, and what lies between key frames, are divided into
    equal parts instead."""
    detector: Literal["content", "adaptive", "histogram", "transnetv2"] = "content"
    """How scenes are detected. `content`, `adaptive` and `histogram` are PySceneDetect's ContentDetector,
    AdaptiveDetector and HistogramDetector, and find the cuts that its `detect()` finds: changes of hue, saturation and
    brightness; such changes that stand out from those around them, which fast motion does not; changes of the
    distribution of brightness. `transnetv2` is a neural network, which also finds fades and dissolves. Frames that it
    takes for a transition belong to no scene. It needs the extra `transnet`, and the image that contains torch."""
    threshold: Annotated[float, Field(gt=0, le=100)] | None = None
    """Threshold of the detector; a lower one finds more cuts. If absent, 27 for `content`, 3 for `adaptive`, 0.2 for
    `histogram` and 0.5 for `transnetv2`."""
    short_scenes: Literal["omit", "merge"] = "omit"
    """What happens to scenes shorter than `minLength`: they are omitted, or merged with the next ones, as by the option
    `--min-scene-len` of PySceneDetect. With `omit`, PySceneDetect's detectors merge scenes shorter than 15 frames.
    `merge` is not supported with `transnetv2`. With `by: keyframes`, the same applies to what lies between key frames;
    the last part of a video may remain too short, and is then omitted."""
    margin: Duration = "0s"
    """Time that is omitted at the beginning and at the end of each scene, before it is divided and measured."""
    device: Literal["auto", "cpu", "gpu"] = "auto"
    """Where `transnetv2` runs. `auto` uses a GPU if the pod has one; videos that are processed on the CPU instead are
    counted (`gpu_fallback`)."""
    codec: Literal["h264", "hevc", "h264_nvenc"] = "h264"
    """Video codec with `mode: reencode`. GPUs limit the number of concurrent encoder sessions. Only h264 keeps the
    fields of interlaced video; the others encode whole frames, and the clip's provenance has `fields: frames`."""
    crf: Annotated[int, Field(ge=0, le=51)] = 23
    """Constant rate factor with `mode: reencode`; lower is better quality."""
    preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow"] = "fast"
    """Encoder preset with `mode: reencode`."""
    audio: Literal["keep", "drop"] = "keep"
    """Keep the first audio stream, or write no audio."""
    measure: SceneMeasures | None = None
    """Measure clips with `by: scenes` in the decode that finds them, as a stage `measure` after this one would, at the
    cost of a single decode. Clips that are parts of a scene, by `maxLength` or `margin`, are decoded once more. Not
    supported with `detector: transnetv2` and `mode: reencode`."""

    @property
    def given(self) -> str:
        return "spans" if self.mode == "virtual" else self.gives

    @property
    def output_version(self) -> int:
        """2: encoded pictures keep odd sides and fields (ADR 21), and scenes are those of PySceneDetect (ADR 23)."""
        return 2 if self.mode == "reencode" or self.by == "scenes" else super().output_version

    def version_above(self, *, spans: bool) -> int:
        """One higher if parts of files are divided, because earlier versions divided the whole file."""
        return self.output_version + (spans and self.by != "metadata")

    @property
    def torch_image(self) -> bool:
        return self.by == "scenes" and self.detector == "transnetv2"

    @property
    def scene_threshold(self) -> float:
        """The threshold of the detector."""
        return THRESHOLDS[self.detector] if self.threshold is None else self.threshold

    def canonical(self) -> dict[str, Any]:
        found = super().canonical()
        if self.scene_threshold == THRESHOLDS[self.detector]:
            found.pop("threshold", None)
        if self.measure is not None:
            measured = self.measure.stage
            found["measure"] = {**measured.canonical(), "dataVersion": measured.output_version}
        return found

    @property
    def added_fields(self) -> frozenset[str]:
        measured = self.measure.stage.added_fields if self.measure else frozenset()
        return frozenset({"vid", "start", "end", "duration", "name"}) | measured

    def refusals(self) -> list[str]:
        wrong = [*self._wrong_lengths(), *(self._wrong_detection() if self.by == "scenes" else [])]
        return [*wrong, *(self._measure_errors(self.measure) if self.measure else [])]

    def _measure_errors(self, measure: SceneMeasures) -> list[str]:
        for field, value, fits in (
            ("by", self.by, self.by == "scenes"),
            ("detector", self.detector, self.detector != "transnetv2"),
            ("mode", self.mode, self.mode != "reencode"),
        ):
            if not fits:
                return [f"measure is not supported with {field}: {value}: add a stage measure after this one"]
        return [f"measure: {problem}" for problem in measure.refusals()]

    def _wrong_detection(self) -> list[str]:
        if self.detector in _SHARES and self.scene_threshold > 1:
            return [f"threshold {self.threshold:g} is greater than 1, the largest for the detector {self.detector}"]
        if self.detector == "transnetv2" and self.short_scenes == "merge":
            return ["shortScenes: merge is not supported with the detector transnetv2"]
        return []

    def _wrong_lengths(self) -> list[str]:
        if self.max_length and seconds(self.max_length) < seconds(self.min_length):
            return [f"maxLength {self.max_length} is less than minLength {self.min_length}"]
        if self.by == "length" and seconds(self.length) <= 0:
            return ["length must be greater than 0s"]
        if self.by == "length" and self.max_length and seconds(self.max_length) < seconds(self.length):
            return [f"maxLength {self.max_length} is less than length {self.length}: all clips would be too long"]
        if self.by != "scenes" and seconds(self.margin) > 0:
            return ["margin applies to scenes: remove it, or set by: scenes"]
        return []

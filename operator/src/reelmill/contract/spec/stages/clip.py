"""`clip`: cut videos into clips."""

from typing import Annotated, Literal

from pydantic import Field

from reelmill.contract.spec.block import StageBlock
from reelmill.contract.spec.field_types import Duration, seconds


class ClipBlock(StageBlock):
    """Cuts each video into clips, or only records their spans (`mode: virtual`)."""

    takes = frozenset({"videos"})
    gives = "videos"

    by: Literal["metadata", "length", "scenes"] = "metadata"
    """How clips are determined: by the spans of the items (`start`, `end`), by equal lengths, or by detected scenes."""
    mode: Literal["copy", "reencode", "virtual"] = "copy"
    """`copy` keeps the packets and hides the pre-roll with an edit list; what an mp4 cannot show exactly that way, such
    as VP8, is encoded as h264 and counted as `reencoded`. `reencode` is for readers that ignore edit lists. `virtual`
    writes no clip files: later stages read the span of the source. Encoded pictures are 4:2:0, or 4:4:4 if a side is
    odd."""
    length: Duration = "10s"
    """Length of a clip with `by: length`; the last clip of a video may be shorter."""
    min_length: Duration = "0s"
    """Minimum length. Shorter clips are `filtered(too_short)`; with `by: length` or `scenes`, they are omitted and
    counted."""
    max_length: Duration | None = None
    """Maximum length. Longer clips are `filtered(too_long)`; scenes are divided into equal parts instead."""
    threshold: Annotated[float, Field(gt=0, le=100)] = 27.0
    """Threshold of scene detection (ContentDetector of PySceneDetect)."""
    codec: Literal["h264", "hevc", "h264_nvenc"] = "h264"
    """Video codec with `mode: reencode`. GPUs limit the number of concurrent encoder sessions. Only h264 keeps the
    fields of interlaced video; the others encode whole frames, and the clip's provenance has `fields: frames`."""
    crf: Annotated[int, Field(ge=0, le=51)] = 23
    """Constant rate factor with `mode: reencode`; lower is better quality."""
    preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow"] = "fast"
    """Encoder preset with `mode: reencode`."""
    audio: Literal["keep", "drop"] = "keep"
    """Keep the first audio stream, or write no audio."""

    @property
    def given(self) -> str:
        return "spans" if self.mode == "virtual" else self.gives

    @property
    def output_version(self) -> int:
        """2: encoded pictures keep odd sides and interlaced fields (ADR 21)."""
        return 2 if self.mode == "reencode" else super().output_version

    def refusals(self) -> list[str]:
        if self.max_length and seconds(self.max_length) < seconds(self.min_length):
            return [f"maxLength {self.max_length} is less than minLength {self.min_length}"]
        if self.by == "length" and seconds(self.length) <= 0:
            return ["length must be greater than 0s"]
        if self.by == "length" and self.max_length and seconds(self.max_length) < seconds(self.length):
            return [f"maxLength {self.max_length} is less than length {self.length}: all clips would be too long"]
        return []

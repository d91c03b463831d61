"""`clip`: cut videos into clips."""

from typing import Annotated, Literal

from pydantic import Field

from reelmill.contract.spec.block import StageBlock
from reelmill.contract.spec.names import Duration, seconds


class ClipBlock(StageBlock):
    """Cuts each video into clips, or only marks them (`mode: virtual`)."""

    takes = frozenset({"videos"})
    gives = "videos"

    by: Literal["metadata", "length", "scenes"] = "metadata"
    """Where the cuts come from: the items' own spans (`start`, `end`), equal lengths, or detected scenes."""
    mode: Literal["copy", "reencode", "virtual"] = "copy"
    """`copy` keeps the packets and hides the pre-roll by an edit list (what no mp4 can hold so, VP8 for one, is
    encoded as h264 and counted as `reencoded`); `reencode` is for readers that ignore edit lists; `virtual` writes no
    clip: later stages read the span in the source."""
    length: Duration = "10s"
    """Length of a clip, with `by: length`; the last one of a video may be shorter."""
    min_length: Duration = "0s"
    """Shorter clips are `filtered(too_short)`; with lengths and scenes they are left out and counted."""
    max_length: Duration | None = None
    """Longer clips are `filtered(too_long)`; scenes are divided into equal parts instead."""
    threshold: Annotated[float, Field(gt=0, le=100)] = 27.0
    """Sensitivity of scene detection (PySceneDetect's content detector)."""
    codec: Literal["h264", "hevc", "h264_nvenc"] = "h264"
    """Video codec, with `mode: reencode`. GPU encoders have few sessions: mind their limit."""
    crf: Annotated[int, Field(ge=0, le=51)] = 23
    """Quality, with `mode: reencode`: lower is better."""
    preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow"] = "fast"
    """Encoder preset, with `mode: reencode`."""
    audio: Literal["keep", "drop"] = "keep"
    """Keep the first audio stream, or write none."""

    @property
    def given(self) -> str:
        return "spans" if self.mode == "virtual" else self.gives

    def refusals(self) -> list[str]:
        if self.max_length and seconds(self.max_length) < seconds(self.min_length):
            return [f"maxLength {self.max_length} is below minLength {self.min_length}"]
        if self.by == "length" and seconds(self.length) <= 0:
            return ["length must be more than 0s"]
        if self.by == "length" and self.max_length and seconds(self.max_length) < seconds(self.length):
            return [f"maxLength {self.max_length} is below length {self.length}: all clips would be too long"]
        return []

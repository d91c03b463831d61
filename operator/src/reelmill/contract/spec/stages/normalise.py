"""`normalise`: bring videos into one shape."""

from typing import Annotated, Literal

from pydantic import Field

from reelmill.contract.spec.block import StageBlock
from reelmill.contract.spec.hidden_regions import HiddenRegions
from reelmill.contract.spec.spec_model import SpecModel


class SoundForm(SpecModel):
    """The form of the sound."""

    codec: Literal["aac", "opus"] = "aac"
    """Codec of the sound."""
    rate: Annotated[int, Field(ge=8000, le=96_000)] | None = None
    """Samples per second. If absent, as it is; opus always has 48000."""
    channels: Literal[1, 2] | None = None
    """Number of channels; more are mixed down. If absent, as it is."""
    bit_rate: Annotated[int, Field(ge=16, le=512)] = 128
    """Bit rate in kbit/s of sound that is encoded."""
    loudness: Annotated[float, Field(ge=-50, le=-5)] | None = None
    """Integrated loudness in LUFS by EBU R128, such as -23. It is measured first, and then changed by one gain for the
    whole sound, so that its dynamics stay. If absent, as it is."""
    true_peak: Annotated[float, Field(ge=-9, le=0)] = -1.0
    """Maximum true peak in dBTP, before the sound is encoded. A sound that would exceed it at the wanted loudness gets
    less gain and is counted (`quieter`)."""
    tolerance: Annotated[float, Field(ge=0, le=6)] = 0.5
    """Difference in LU within which the loudness of a sound is left as it is."""


class NormaliseBlock(StageBlock):
    """Brings videos into one shape. What has it already passes through untouched; the packets of pictures or sound that
    have it are copied. Each output is compared with its input: the number of frames, duration, and where the sound
    begins.
    """

    takes = frozenset({"videos"})
    spans_ignored = True
    gives = "videos"
    keeps_fields = True

    codec: Literal["h264", "hevc", "h264_nvenc"] = "h264"
    """Codec of the pictures. `h264_nvenc` encodes h264 on a GPU; where that fails, the CPU does it and the video is
    counted (`gpu_fallback`)."""
    crf: Annotated[int, Field(ge=0, le=51)] = 18
    """Constant rate factor; lower is better quality."""
    preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow"] = "fast"
    """Encoder preset."""
    pixel_format: Literal["yuv420p", "yuv444p"] = "yuv420p"
    """Pixel format: 8 bit, with or without chroma subsampling."""
    max_side: Annotated[int, Field(ge=16, le=16_384)] | None = None
    """Maximum length in pixels of the longer side; larger pictures are scaled down. If absent, they keep their size.
    Sides that are encoded are even."""
    fps: Annotated[float, Field(gt=0, le=240)] | None = None
    """Constant frame rate: frames are repeated or left out. 23.976, 29.97 and 59.94 mean 24000/1001, 30000/1001 and
    60000/1001. If absent, every frame is kept at its time."""
    deinterlace: bool = True
    """Make whole frames of interlaced video, one of every two fields (bwdif)."""
    tone_map: Literal["hable", "mobius", "reinhard", "keep"] = "hable"
    """Tone map from HDR (PQ and HLG) to SDR (BT.709), at a nominal peak of 100 cd/m2. `keep`: HDR stays as it is."""
    hide: HiddenRegions | None = None
    """Regions that are hidden in every frame, such as watermarks and captions. Every video is then encoded, because a
    file does not tell whether its regions are hidden already."""
    audio: Literal["keep", "drop"] = "keep"
    """Keep the first audio stream, or write no audio."""
    sound: SoundForm = SoundForm()
    """The form of the sound."""

    @property
    def added_fields(self) -> frozenset[str]:
        return frozenset({"normalised"})

    def refusals(self) -> list[str]:
        wrong = self.hide.refusals() if self.hide else []
        if self.sound.codec == "opus" and self.sound.rate not in (None, 48_000):
            wrong.append("sound.rate must be 48000 with opus, or absent")
        if self.tone_map == "keep" and self.codec == "h264_nvenc":
            wrong.append("toneMap keep is not supported with h264_nvenc, which writes 8 bit")
        return wrong

"""Name, unit, type and definition of every measure of the `measure` stage.

A measure is the field `measures.<name>` of an item: a JSON number, string or boolean. An absent field was not measured;
no measure is null or NaN. Each measure is declared only here; the tables in the documentation are generated from the
declarations, and stages that read measures look up the type of a field here (`measure`).

A measure of frames has one value per frame; a reduction combines them into one number per clip. A bare name, `luma`, is
the measure with the reduction declared here; other reductions are part of the name, as in `luma_p10`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

Kind = Literal["number", "string", "boolean"]
Scope = Literal["clip", "frames", "pairs"]

REDUCTIONS: Mapping[str, str] = {
    "mean": "the mean over the frames",
    "min": "the least value",
    "p10": "the 10th percentile",
    "p50": "the median",
    "p90": "the 90th percentile",
    "max": "the largest value",
    "above": "the share of the frames whose value is greater than a stated limit, from 0 to 1",
}
"""Reductions of the values of frames to one number. Percentiles use the nearest rank, so they are values of a frame."""


class MeasureFamily(StrEnum):
    """Groups of measures that are computed together: each is a field of the stage's block."""

    CONTAINER = "container"
    """Properties of the container and the packets; nothing is decoded."""
    PICTURE = "picture"
    """Properties of single frames."""
    MOTION = "motion"
    """Changes between successive frames."""
    SOUND = "sound"
    """Properties of the sound. A clip without sound has only the field `audio_streams`."""
    TEXT = "text"
    """Text in the picture, detected by OCR."""
    FACES = "faces"
    """Faces, found by a detector."""
    NSFW = "nsfw"
    """Nudity, scored by a classifier."""
    SPEECH = "speech"
    """Voice, found by a voice activity detector."""
    BRISQUE = "brisque"
    """Quality without a reference, measured by BRISQUE."""
    CLIP = "clip"
    """Scores from CLIP embeddings of frames."""


_CONTAINER, _PICTURE, _MOTION, _SOUND, _TEXT, _FACES, _NSFW, _SPEECH, _BRISQUE, _CLIP = MeasureFamily


class Measure(StrEnum):
    """The measures. Shares are from 0 to 1. Stored names never change."""

    family: MeasureFamily
    kind: Kind
    unit: str
    """Empty for shares, counts, scores and texts."""
    scope: Scope
    """What a value describes: the whole clip, each chosen frame, or each pair of successive chosen frames."""
    reduction: str
    """For measures of frames or pairs, the reduction of the bare name. Empty for measures of the clip."""
    definition: str

    def __new__(
        cls, name: str, family: MeasureFamily, kind: Kind, unit: str, scope: Scope, reduction: str, definition: str
    ) -> Measure:
        new = str.__new__(cls, name)
        new._value_, new.family, new.kind, new.unit = name, family, kind, unit
        new.scope, new.reduction, new.definition = scope, reduction, definition
        return new

    def reduced(self, reduction: str) -> str:
        """The name of the field with this reduction, a word of `REDUCTIONS`."""
        return self.value if reduction == self.reduction else f"{self.value}_{reduction}"

    # fmt: off
    DURATION = (
        "duration", _CONTAINER, "number", "s", "clip", "",
        "time from the start of the first frame to the end of the last")
    WIDTH = "width", _CONTAINER, "number", "px", "clip", "", "width of the picture as players show it"
    HEIGHT = "height", _CONTAINER, "number", "px", "clip", "", "height of the picture as players show it"
    ASPECT_RATIO = "aspect_ratio", _CONTAINER, "number", "", "clip", "", "width divided by height, as shown"
    FRAMES = "frames", _CONTAINER, "number", "", "clip", "", "number of frames"
    FPS = "fps", _CONTAINER, "number", "frames/s", "clip", "", "frames divided by duration"
    CODEC = "codec", _CONTAINER, "string", "", "clip", "", "FFmpeg's name of the video codec"
    PIXEL_FORMAT = "pixel_format", _CONTAINER, "string", "", "clip", "", "FFmpeg's name of the pixel format"
    BIT_RATE = (
        "bit_rate", _CONTAINER, "number", "bit/s", "clip", "", "size of the packets of the frames by duration")

    LUMA = (
        "luma", _PICTURE, "number", "", "frames", "mean",
        "mean luma (Y') of the frame in 8 bits and video range: 16 is black, 235 is white")
    CONTRAST = (
        "contrast", _PICTURE, "number", "", "frames", "mean",
        "RMS contrast: the standard deviation of luma over the frame")
    SATURATION = (
        "saturation", _PICTURE, "number", "", "frames", "mean",
        "mean over the frame of the distance of (Cb, Cr) from grey, in 8 bits: 0 is grey")
    OVEREXPOSED = (
        "overexposed", _PICTURE, "number", "", "frames", "mean", "share of the pixels with luma of 235 or more")
    UNDEREXPOSED = (
        "underexposed", _PICTURE, "number", "", "frames", "mean", "share of the pixels with luma of 16 or less")
    BLACK = (
        "black", _PICTURE, "number", "", "frames", "mean",
        "1 for a black frame, else 0, as blackdetect has it: 98 % of the pixels with luma below 10 % of its range")
    BLUR = (
        "blur", _PICTURE, "number", "px", "frames", "mean",
        "mean width in pixels of the edges along 24 rows (Marziliano); the larger the blurrier")
    BLOCKINESS = (
        "blockiness", _PICTURE, "number", "", "frames", "mean",
        "mean step of luma at the borders of 8 x 8 blocks by the mean of all others, plus 0.5 each; 1 is none")
    SPATIAL_INFORMATION = (
        "spatial_information", _PICTURE, "number", "", "frames", "max",
        "SI of ITU-T P.910: the standard deviation of the Sobel-filtered luma")
    LETTERBOX = (
        "letterbox", _PICTURE, "number", "", "clip", "",
        "share of the picture in black bars along its borders, in all frames, as cropdetect has it: mean luma up to 24")
    INTERLACED = (
        "interlaced", _PICTURE, "number", "", "frames", "mean",
        "1 for a frame with the combs of two fields that moved apart, else 0")

    TEMPORAL_INFORMATION = (
        "temporal_information", _MOTION, "number", "", "pairs", "max",
        "TI of ITU-T P.910: the standard deviation of the difference of luma from the frame before")
    MOTION = (
        "motion", _MOTION, "number", "1/s", "pairs", "mean",
        "mean length of the dense optical flow (DIS) from the frame before, in diagonals of the picture per second")
    STATIC = (
        "static", _MOTION, "number", "", "pairs", "mean",
        "1 for two frames with a motion of less than 0.01/s, else 0")
    FREEZE = (
        "freeze", _MOTION, "number", "", "clip", "",
        "share of the duration in which the picture stands still for 0.5 s or more, as freezedetect has it")
    CUTS = (
        "cuts", _MOTION, "number", "", "clip", "",
        "number of cuts inside of the clip: PySceneDetect's content score of two frames is 27 or more")
    CAMERA = (
        "camera", _MOTION, "string", "", "clip", "",
        "motion of the camera that most of the clip shows: static, pan, tilt, zoom, roll, shake or mixed")

    AUDIO_STREAMS = "audio_streams", _SOUND, "number", "", "clip", "", "number of audio streams"
    LOUDNESS = (
        "loudness", _SOUND, "number", "LUFS", "clip", "", "integrated loudness by EBU R128 (ITU-R BS.1770)")
    TRUE_PEAK = "true_peak", _SOUND, "number", "dBTP", "clip", "", "true peak by ITU-R BS.1770"
    SILENCE = (
        "silence", _SOUND, "number", "", "clip", "",
        "share of the sound in silence, as silencedetect has it: below -50 dB for half a second or more")
    CLIPPING = (
        "clipping", _SOUND, "number", "", "clip", "",
        "share of the samples at full scale, 0.999 of it or more")
    AUDIO_LENGTH_DIFFERENCE = (
        "audio_length_difference", _SOUND, "number", "s", "clip", "",
        "duration of the sound minus duration of the pictures")

    TEXT_SHARE = (
        "text_share", _TEXT, "number", "", "frames", "mean",
        "share of the frame that lines of text cover which can be read")
    TEXT = (
        "text", _TEXT, "string", "", "clip", "",
        "the lines of text in the frames, each once, in the order in which they appear; at most 4096 characters")
    FACES = "faces", _FACES, "number", "", "frames", "max", "number of faces"
    LARGEST_FACE = (
        "largest_face", _FACES, "number", "", "frames", "max", "share of the frame that the largest face covers")
    NSFW = "nsfw", _NSFW, "number", "", "frames", "max", "probability that the frame is not safe for work"
    SPEECH = "speech", _SPEECH, "number", "", "clip", "", "share of the sound with speech"
    BRISQUE = (
        "brisque", _BRISQUE, "number", "", "frames", "mean", "BRISQUE: 0 is the best quality, 100 the worst")
    AESTHETIC = (
        "aesthetic", _CLIP, "number", "", "frames", "mean",
        "score of a linear head on the normalised CLIP embedding of the frame, usually from 1 to 10")
    TEXT_SIMILARITY = (
        "text_similarity", _CLIP, "number", "", "frames", "mean",
        "cosine of the CLIP embeddings of the frame and of the item's text, from -1 to 1")
    # fmt: on


_BY_NAME = {each.value: each for each in Measure}


def measure(name: str) -> Measure | None:
    """The measure of a field `measures.<name>`, with or without a reduction; None for an unknown name."""
    if name in _BY_NAME:
        return _BY_NAME[name]
    base, _, reduction = name.rpartition("_")
    found = _BY_NAME.get(base)
    return found if found and found.reduction and reduction in REDUCTIONS else None

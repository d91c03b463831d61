"""Counters of stages other than outcomes: fallbacks, parts left out of processed inputs, and sizes.

`segment.json` contains the counters of a stage (`counters`), which are shown wherever its outcomes are shown. Each word
is declared only here, with its meaning and a remedy; docs/reasons.md is generated from the declarations. The stored
words never change. A word that ends with `*` stands for all words with that prefix: `container_*` for `container_mkv`.

A user's stage or sampler may count any other word, which is stored and shown in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

REPORTS_ENV = "REELMILL_REPORTS"
"""Environment variable with a comma-separated list of report fields newer than version 0.1.0 that the reader of the
report supports. Version 0.1.0 rejects a report with an unknown field."""

COUNTERS = "counters"
"""Name in REPORTS_ENV of the field `counters` of StageReport and CommitReport."""

USAGE = "usage"
"""Name in REPORTS_ENV of the field `usage` of StageReport and CommitReport."""

REPORTS = f"{COUNTERS},{USAGE}"
"""The value of REPORTS_ENV for a reader of this version."""

REPORTED = 12
"""Maximum number of counters in a report and in the status."""
LONGEST = 64
"""Maximum length in characters of a counter in a report and in the status; a longer one is only in the store."""


class Counting(StrEnum):
    """Kinds of counters."""

    FALLBACK = "fallback"
    """Inputs that were processed in a different way than usual."""
    LEFT_OUT = "left out"
    """Parts that were left out of processed inputs."""
    SIZE = "size"
    """Amount of output."""


_FALLBACK, _LEFT_OUT, _SIZE = Counting.FALLBACK, Counting.LEFT_OUT, Counting.SIZE
_NOTHING = "nothing"


class StageCounter(StrEnum):
    """Counters of the built-in stages. They never decrease, because an input that is done is not processed again."""

    counting: Counting
    meaning: str
    remedy: str
    """Remedy."""

    def __new__(cls, word: str, counting: Counting, meaning: str, remedy: str) -> StageCounter:
        new = str.__new__(cls, word)
        new._value_, new.counting, new.meaning, new.remedy = word, counting, meaning, remedy
        return new

    def of(self, name: str) -> str:
        """Replace the `*` of a word with a name."""
        return f"{self.removesuffix('*')}{name}"

    # fmt: off
    REENCODED = (
        "reencoded", _FALLBACK, "clips of mode `copy` that were encoded, as an mp4 cannot show their packets exactly",
        "nothing; convert such videos to keep their packets")
    OVERHANG = (
        "overhang", _FALLBACK, "clips of videos that end within the tolerance before their span", "nothing")
    GPU_FALLBACK = (
        "gpu_fallback", _FALLBACK, "items that the CPU processed in place of a GPU",
        "check its reasons, which are counted separately (`gpu_fallback_codec` and others), or set `device: cpu`")
    GPU_FALLBACK_CODEC = (
        "gpu_fallback_codec", _FALLBACK, "of `gpu_fallback`: the GPU has no decoder, or no encoder, for the codec",
        "give the pods another GPU with `gpu.decodes`; see docs/gpus.md")
    GPU_FALLBACK_PROFILE = (
        "gpu_fallback_profile", _FALLBACK,
        "of `gpu_fallback`: its decoder supports the codec, but not with this chroma subsampling, bit depth or profile",
        "nothing; a newer GPU may have it, or a `normalise` stage above changes the pixel format")
    GPU_FALLBACK_SIZE = (
        "gpu_fallback_size", _FALLBACK,
        "of `gpu_fallback`: pictures are smaller or larger than its decoder supports", _NOTHING)
    GPU_FALLBACK_MEMORY = (
        "gpu_fallback_memory", _FALLBACK, "of `gpu_fallback`: the GPU ran out of memory or sessions",
        "lower `workers`, or give the pods a GPU with more memory")
    GPU_FALLBACK_DRIVER = (
        "gpu_fallback_driver", _FALLBACK,
        "of `gpu_fallback`: the driver or one of its libraries is missing, too old, or failed",
        "check the pod's log; the container needs the driver capabilities `video` and `compute`")
    GPU_FALLBACK_NO_GPU = (
        "gpu_fallback_no_gpu", _FALLBACK, "of `gpu_fallback`: the stage requests a GPU, but the pod has none",
        "give the stage a `gpu`, or set `device: auto`")
    GPU_FALLBACK_PACKAGE = (
        "gpu_fallback_package", _FALLBACK, "of `gpu_fallback`: the library is built without GPU support",
        "run the stage in an image whose torch is built for CUDA")
    GPU_FALLBACK_FRAMES = (
        "gpu_fallback_frames", _FALLBACK, "of `gpu_fallback`: the GPU's decoder did not return all frames undamaged",
        "nothing; files like these are damaged or unusual")
    GPU_FALLBACK_OTHER = (
        "gpu_fallback_other", _FALLBACK,
        "of `gpu_fallback`: any other cause; the item's provenance and the log show it",
        "check the pod's log")
    FEWER_WORKERS = (
        "fewer_workers", _FALLBACK,
        "shards that continued with fewer workers, because all needed more memory, files or threads than available",
        "give the pods more memory, or lower `workers`")
    PADDED = "padded", _FALLBACK, "samples with fewer frames than `count`, which repeat frames", "lower `count`"
    SIZE_PLACEHOLDER = (
        "size_placeholder", _FALLBACK, "samples without a `size` of their own, which got a placeholder",
        "give the source a `size`")
    MEASURED = (
        "measured", _FALLBACK, "videos whose frames were counted by decoding all of them",
        "nothing; a remux makes such videos faster to read")
    REPAIRED = (
        "repaired", _FALLBACK, "videos whose container is wrong about key frames, which were read from the bitstream",
        "nothing")
    UNDECODABLE = (
        "undecodable", _FALLBACK, "videos that begin with pictures that cannot be decoded",
        "nothing; no output contains them")
    SHAPE = (
        "shape", _FALLBACK, "videos whose pictures are turned, cropped or have pixels that are not square", "nothing")
    CONTAINER = (
        "container_*", _FALLBACK, "samples whose `mp4` part is a file of that container",
        "put a `clip` stage above to have mp4 files")
    IMAGES_MADE_ANEW = (
        "images_made_anew", _FALLBACK, "images that were encoded as JPEG again because they were too large or not JPEG",
        "nothing; pack images within `maxImageSide` to keep their bytes")
    ESCAPED = (
        "escaped", _FALLBACK, "documents whose text names a control symbol, which was escaped", "nothing")
    UNKNOWN_CHARACTERS = (
        "unknown_characters", _FALLBACK, "documents with characters for which the tokenizer has no token",
        "use a tokenizer for these characters, such as one with a fallback to bytes")
    CUT = "cut", _FALLBACK, "documents that were cut at `maxTokens`", "raise `maxTokens`"
    TOO_SHORT = (
        "too_short", _LEFT_OUT, "scenes or parts of a video that are shorter than `minLength`", "lower `minLength`")
    CHUNKS_WITHOUT_LABEL = (
        "chunks_without_label", _LEFT_OUT, "chunks in which no frame has a label", "nothing, or label them")
    FRAMES_WITHOUT_KEYPOINTS = (
        "frames_without_keypoints", _LEFT_OUT, "frames without a file of keypoints", "nothing, or add the files")
    NO_SOUND = (
        "no_sound", _LEFT_OUT,
        "items without sound or without the selected track: they have no sound measures and no words", _NOTHING)
    DAMAGED_SOUND = (
        "damaged_sound", _LEFT_OUT,
        "items whose sound has missing or undecodable packets; the rest is measured and transcribed",
        "encode the sound again")
    NO_EXTENSION = (
        "no_extension", _LEFT_OUT, "members of tars without key and extension, which readers skip", "pack them again")
    EMPTY_PART = "empty_part", _LEFT_OUT, "parts of samples that have no bytes", "check the sampler that wrote them"
    LEFT_OUT = (
        "left_out_*", _LEFT_OUT, "samples of tars that were left out for the reason in the name", "see that reason")
    UNCHANGED = "unchanged", _FALLBACK, "videos that already have the requested form; the files are passed on", _NOTHING
    REMUXED = "remuxed", _FALLBACK, "videos of which all packets were copied into an mp4", _NOTHING
    PICTURES_COPIED = "pictures_copied", _FALLBACK, "videos of which only the sound was encoded", _NOTHING
    SOUND_COPIED = "sound_copied", _FALLBACK, "videos of which only the pictures were encoded", _NOTHING
    GPU_ENCODED = "gpu_encoded", _FALLBACK, "videos that a GPU encoded", _NOTHING
    QUIETER = (
        "quieter", _FALLBACK, "videos whose sound is quieter than requested, because of the limit on its true peak",
        "raise `truePeak`, or lower `loudness`")
    HIDDEN = "hidden", _FALLBACK, "videos in which regions were hidden", _NOTHING
    NO_SPEECH = "no_speech", _FALLBACK, "items whose sound contains no speech", _NOTHING
    MORE_TRACKS = (
        "more_tracks", _FALLBACK, "items with several sound tracks, one of which was transcribed",
        "set `track` to transcribe another")
    NOT_SPEECH = (
        "not_speech", _LEFT_OUT, "words and segments that the model returned where there is no speech", _NOTHING)
    TOKENS = (
        "tokens", _SIZE, "tokens of prompts and answers as the server counted them, with failed items and lost pods",
        "limit them with `limits.tokens`")
    PROMPT_TOKENS = "prompt_tokens", _SIZE, "tokens of prompts, with images", _NOTHING
    ANSWER_TOKENS = "answer_tokens", _SIZE, "tokens of answers", _NOTHING
    REQUESTS = "requests", _SIZE, "requests that a server answered", _NOTHING
    DOCUMENTS = "documents", _SIZE, "samples that became tokens", _NOTHING
    PACKS = "packs", _SIZE, "sequences of tokens", _NOTHING
    PACKED_TOKENS = "packed_tokens", _SIZE, "tokens in packed sequences (`packs`)", _NOTHING
    # fmt: on


def stage_counter(word: str) -> StageCounter | None:
    """The declaration of a counter; None for a word of a user's stage or sampler."""
    families = (each for each in StageCounter if each.endswith("*"))
    exact = next((each for each in StageCounter if each == word), None)
    return exact or next((each for each in families if word.startswith(each.of(""))), None)


def reported(counters: Mapping[str, int]) -> dict[str, int]:
    """Select counters for a report of limited size: fallbacks and unknown words first, sizes last, each by number."""
    found = ((word, number) for word, number in counters.items() if number and len(word) <= LONGEST)
    return dict(sorted(found, key=_sort_key)[:REPORTED])


def counted(counters: Mapping[str, int]) -> str:
    """Format counters as text: `reencoded 3, gpu_fallback 1`; empty if there are none."""
    found = ((word, number) for word, number in counters.items() if number)
    return ", ".join(f"{word} {number:,}" for word, number in sorted(found, key=_sort_key))


def _sort_key(pair: tuple[str, int]) -> tuple[bool, int, str]:
    declared = stage_counter(pair[0])
    return declared is not None and declared.counting is Counting.SIZE, -pair[1], pair[0]

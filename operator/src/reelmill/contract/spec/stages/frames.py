"""`frames`: sample frames of each video into files for trainers."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from reelmill.contract.spec.block import StageBlock
from reelmill.contract.spec.file import FileRef
from reelmill.contract.spec.spec_model import SpecModel


class FramesBlock(StageBlock):
    """Samples frames of each item and writes them in the layout of a trainer."""

    takes = frozenset({"videos", "spans"})
    gives = "samples"
    keeps_fields = True

    count: Annotated[int, Field(ge=1, le=4096)] = 16
    """Number of frames per item, without `fps` or `all`. A shorter clip is padded with its last frame; its item records
    that."""
    fps: Annotated[float, Field(gt=0, le=240)] | None = None
    """Frames per second, instead of `count`."""
    all: bool = False
    """Write all frames, with the last one repeated up to a multiple of 16."""
    sampling: Literal["loader", "linspace", "segments"] = "loader"
    """Which of N frames are selected with `count`: `loader`: i*ceil(N/count), which CLIP4MC's loader takes of the clip
    padded with its last frame to a multiple of `count`; `linspace`: at equal distances from the first to the last;
    `segments`: the centres of equal parts."""
    width: Annotated[int, Field(ge=8, le=8192)] = 256
    """Width of the frames in pixels."""
    height: Annotated[int, Field(ge=8, le=8192)] = 160
    """Height of the frames in pixels."""
    fit: Literal["stretch", "letterbox", "crop"] = "stretch"
    """How frames with another aspect ratio are fitted to width x height. The aspect ratio is that of the displayed
    frame: pixels that are not square are made square, except with `stretch`, which ignores aspect ratios."""
    color: Literal["rgb", "bgr"] | None = None
    """Channel order. If absent, bgr with layout clip4mc, otherwise rgb."""
    layout: Literal["clip4mc", "npy", "jpg"] = "clip4mc"
    """Content of a sample's folder: `clip4mc`: video_input.pkl, text_input.pkl and size.json; `npy`: one array; `jpg`:
    one file per frame."""
    jpeg_quality: Annotated[int, Field(ge=1, le=100)] = 95
    """JPEG quality with layout jpg."""
    tokenizer: Literal["clip-hf", "clip-open"] | FileRef = "clip-hf"
    """CLIP text tokenizer, 77 ids: padded with 49407 as in Hugging Face, or with 0 as in open_clip."""
    max_samples: Annotated[int, Field(ge=1)] | None = None
    """Maximum number of items: the first in the order of the metadata (of `clip4mc` and `pairs`), otherwise in that of
    the upstream. The others are `skipped(cap)`."""
    device: Literal["auto", "cpu", "gpu"] = "auto"
    """Decoder. `auto` uses a GPU if the pod has one; videos that it cannot decode are decoded on the CPU and
    counted."""

    @property
    def added_fields(self) -> frozenset[str]:
        return frozenset({"sample", "frames", "size", "size_placeholder"})

    def refusals(self) -> list[str]:
        wrong = ["fps and all cannot be combined"] if self.all and self.fps else []
        if self.layout == "clip4mc" and not self.all and self.fps is None and self.count % 16:
            wrong.append(
                f"count {self.count} is not a multiple of 16: CLIP4MC's loader reads every (count // 16)-th frame, so "
                "samples would differ in length; use 16, 32, …, or layout npy or jpg"
            )
        if self.layout == "jpg" and self.color == "bgr":
            wrong.append("color bgr is not supported with layout jpg: JPEG files are RGB")
        return wrong


def _check_ratios(ratios: list[float]) -> list[float]:
    if not sum(ratios):
        raise ValueError("all ratios are 0: every split would be empty")
    return ratios


class Split(SpecModel):
    """Division of the finished items into train, val and test."""

    mode: Literal["random", "by_video", "all_train", "all_test"] = "random"
    """`random`: each item separately; `by_video`: all clips of a video are in the same split (no leakage)."""
    ratios: Annotated[
        list[Annotated[float, Field(ge=0, le=1)]], Field(min_length=3, max_length=3), AfterValidator(_check_ratios)
    ] = [0.8, 0.1, 0.1]
    """Ratios of train, val and test, normalized to a sum of 1. A split with ratio 0 is empty; any other has at least
    one sample."""
    seed: int = 42
    """Seed of the division."""
    exact: bool = False
    """Divide by a seeded permutation, as the original does, instead of by a hash of the key: ratios are exact, but new
    items can change the split of existing ones."""


class FramesView(SpecModel):
    """Presentation of the finished items. Changing it runs only a commit."""

    split: Split = Split()

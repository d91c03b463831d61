"""`frames`: sample frames of each video into files that trainers open."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from reelmill.contract.model import Model
from reelmill.contract.spec.block import StageBlock
from reelmill.contract.spec.file import FileRef


class FramesBlock(StageBlock):
    """Samples frames of each item and writes them in a trainer's layout."""

    takes = frozenset({"videos", "spans"})
    gives = "samples"

    count: Annotated[int, Field(ge=1, le=4096)] = 16
    """Frames per item, with neither `fps` nor `all`. A shorter clip is padded with its last frame, and says so."""
    fps: Annotated[float, Field(gt=0, le=240)] | None = None
    """Frames per second instead of a count."""
    all: bool = False
    """Every frame, the last one repeated up to a multiple of 16."""
    sampling: Literal["loader", "linspace", "segments"] = "loader"
    """Which frames a count takes: `loader` i*(N//count) as CLIP4MC's own loader strides; `linspace` from the first to
    the last; `segments` the middle of equal parts."""
    width: Annotated[int, Field(ge=8, le=8192)] = 256
    """Pixels."""
    height: Annotated[int, Field(ge=8, le=8192)] = 160
    """Pixels."""
    fit: Literal["stretch", "letterbox", "crop"] = "stretch"
    """How a frame of another shape becomes width x height."""
    color: Literal["rgb", "bgr"] | None = None
    """Channel order; absent: bgr for layout clip4mc, rgb else."""
    layout: Literal["clip4mc", "npy", "jpg"] = "clip4mc"
    """Sample folders: `clip4mc` with video_input.pkl, text_input.pkl, size.json; `npy` with one array; `jpg` with one
    file a frame."""
    jpeg_quality: Annotated[int, Field(ge=1, le=100)] = 95
    """With layout jpg."""
    tokenizer: Literal["clip-hf", "clip-open"] | FileRef = "clip-hf"
    """CLIP text tokens, 77 ids: padded with 49407 as Hugging Face does, or with 0 as open_clip does."""
    max_samples: Annotated[int, Field(ge=1)] | None = None
    """Only the first so many items, by ordinal; the rest are `skipped(cap)`."""
    device: Literal["auto", "cpu", "gpu"] = "auto"
    """Decoder: `auto` uses a GPU where the pod has one. What it cannot decode falls back to the CPU, counted."""

    def refusals(self) -> list[str]:
        wrong = ["fps and all exclude each other"] if self.all and self.fps else []
        if self.layout == "clip4mc" and not self.all and self.fps is None and self.count % 16:
            wrong.append(
                f"count {self.count} is no multiple of 16: CLIP4MC's loader takes every (count // 16)-th frame, so its "
                "batches would break; use 16, 32, …, or layout npy or jpg"
            )
        if self.layout == "jpg" and self.color == "bgr":
            wrong.append("JPEG files are RGB: leave color out with layout jpg")
        return wrong


def _some_share(ratios: list[float]) -> list[float]:
    if not sum(ratios):
        raise ValueError("ratios are all 0: nothing would be in any split")
    return ratios


class Split(Model):
    """How the finished items are divided among train, val and test."""

    mode: Literal["random", "by_video", "all_train", "all_test"] = "random"
    """`random` per item, `by_video` keeps the clips of one video together (no leak)."""
    ratios: Annotated[
        list[Annotated[float, Field(ge=0, le=1)]], Field(min_length=3, max_length=3), AfterValidator(_some_share)
    ] = [0.8, 0.1, 0.1]
    """Shares of train, val and test; divided by their sum. A share of 0 gets nothing, any other at least one sample."""
    seed: int = 42
    exact: bool = False
    """The original's seeded permutation instead of a hash of the key: exact shares, but growth moves items."""


class FramesView(Model):
    """How the finished items are presented. Editing it runs only a commit."""

    split: Split = Split()

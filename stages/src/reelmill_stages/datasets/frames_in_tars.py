"""Samples with frames from packed tars, for a training loop.

A map-style dataset for `torch.utils.data.DataLoader`; `order.Order` is a sampler that can be resumed.
"""

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from reelmill.contract.errors import SpecError
from reelmill_stages.datasets.tar_set import Grouped, TarSet
from reelmill_stages.models.extra import HINT
from reelmill_stages.untrusted.images import ImageError, open_image, rgb_image

if TYPE_CHECKING:
    from torch import Tensor


class FramesSample(NamedTuple):
    """A sample."""

    frames: "Tensor"
    """uint8 (n, 3, height, width), RGB, in order of time, or the result of `transform`; (0, 3, 0, 0) without frames."""
    text: str
    """The caption; empty if the sample has conversations instead."""
    fields: dict[str, Any]
    """The json member: `prompt`, `txt`, `conversations`, …"""
    video: bytes
    """The unchanged video file of a sample packed with `video_only`, otherwise empty."""
    key: str
    """Key of the sample in its tar."""


class FramesInTars:
    """The samples in a folder of tars, as written by a `pack` stage.

    `where`, `endpoint`, `region` and `verify` are those of `TarSet`. With `size` (height, width) in pixels, frames are
    resized to that size. `transform` is applied to the frames of a sample. Raises SpecError without torch, NotFound if
    there is no tar, and StoreDamaged for a list or tar that differs from what was committed.
    """

    def __init__(
        self,
        where: str,
        *,
        size: tuple[int, int] | None = None,
        transform: "Callable[[Tensor], Tensor] | None" = None,
        endpoint: str = "",
        region: str = "",
        verify: bool = False,
    ) -> None:
        need_torch()
        self.tars = TarSet(where, endpoint=endpoint, region=region, verify=verify)
        self._size = size
        self._transform = transform

    def __len__(self) -> int:
        return len(self.tars)

    def __getitem__(self, index: int) -> FramesSample:
        """Read a sample. Raises IndexError, and SpecError if images are missing or frames differ in size."""
        found = self.tars[index]
        frames = images(found, _listed(found), self._size)
        if self._transform and len(frames):
            frames = self._transform(frames)
        text = found.fields.get("txt", found.fields.get("caption", ""))
        return FramesSample(frames, str(text), dict(found.fields), next(iter(_videos(found)), b""), found.key)


class FramesBatch(NamedTuple):
    """A batch of b samples. Values are those of `FramesSample`."""

    frames: "Tensor"
    """uint8 (b, n, 3, height, width)."""
    texts: list[str]
    """Caption of each sample."""
    fields: list[dict[str, Any]]
    """Json member of each sample."""
    videos: list[bytes]
    """Video file of each sample."""
    keys: list[str]
    """Key of each sample."""


def collate_frames(samples: Sequence[FramesSample]) -> FramesBatch:
    """Collate samples of equal shape into a batch: `DataLoader(collate_fn=collate_frames)`."""
    import torch

    return FramesBatch(
        torch.stack([one.frames for one in samples]),
        [one.text for one in samples],
        [one.fields for one in samples],
        [one.video for one in samples],
        [one.key for one in samples],
    )


def images(found: Grouped, names: Sequence[str], size: tuple[int, int] | None = None) -> "Tensor":
    """Decode the images of a sample with these names (`0`, `1`, …), without extension, to uint8 (n, 3, height, width).

    With `size` (height, width), they are resized. Raises SpecError for images that are missing, cannot be decoded, or
    differ in size.
    """
    import torch

    arrays = [_pixels(found, name, size) for name in names]
    if not arrays:
        return torch.zeros((0, 3, 0, 0), dtype=torch.uint8)
    if len({array.shape for array in arrays}) > 1:
        raise SpecError("the images differ in size", where=found.key, hint="set size=(height, width)")
    return torch.from_numpy(np.stack(arrays).transpose(0, 3, 1, 2).copy())


def need_torch() -> None:
    """Raise SpecError if torch is not installed."""
    if find_spec("torch") is None:
        raise SpecError("torch is not installed", hint=HINT)


def _pixels(found: Grouped, name: str, size: tuple[int, int] | None) -> "np.ndarray[Any, np.dtype[np.uint8]]":
    there = [part for kind in ("jpg", "jpeg", "png") if (part := f"{name}.{kind}") in found.parts]
    if not there:
        raise SpecError(f"the listed image {name} is missing", where=found.key, hint="for details, run reelmill check")
    try:
        with open_image(found.parts[there[0]]) as image:
            pixels = rgb_image(image)
    except ImageError as error:
        raise SpecError(f"image {name} cannot be decoded: {error.what}", where=found.key) from error
    return np.asarray(pixels.resize((size[1], size[0])) if size else pixels)


def _listed(found: Grouped) -> list[str]:
    names = found.fields.get("image_name_list", [])
    return [str(name).rpartition("-")[2] for name in names] if isinstance(names, list) else []


def _videos(found: Grouped) -> list[bytes]:
    return [data for name, data in found.parts.items() if name == "mp4"]

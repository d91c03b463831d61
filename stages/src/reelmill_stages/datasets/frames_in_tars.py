"""Packed tars for a training loop: one sample with its frames together, in the order of time.

A map-style dataset: a `DataLoader` shares it between workers; `order.Order` shuffles it and resumes.
"""

import io
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image

from reelmill.contract.errors import SpecError
from reelmill_stages.datasets.tar_set import Grouped, TarSet

if TYPE_CHECKING:
    from torch import Tensor


class FramesSample(NamedTuple):
    """One sample."""

    frames: "Tensor"
    """uint8 (n, 3, height, width) RGB, or what `transform` made of it; (0, 3, 0, 0) for a sample without frames."""
    text: str
    """The caption; empty where there are conversations instead."""
    fields: dict[str, Any]
    """The json: `prompt`, `txt`, `conversations`, …"""
    video: bytes
    """The untouched file of a sample of `video_only`, else empty."""
    key: str


class FramesInTars:
    """The samples of a folder of tars (see `TarSet` for `where`).

    `size` (height, width) makes all frames of one shape. Raises SpecError without torch.
    """

    def __init__(
        self,
        where: str,
        *,
        size: tuple[int, int] | None = None,
        transform: "Callable[[Tensor], Tensor] | None" = None,
        endpoint: str = "",
        region: str = "",
    ) -> None:
        need_torch()
        self.tars = TarSet(where, endpoint=endpoint, region=region)
        self._size = size
        self._transform = transform

    def __len__(self) -> int:
        return len(self.tars)

    def __getitem__(self, index: int) -> FramesSample:
        """Raises SpecError for a sample that lists an image which it has not, or whose frames differ in size."""
        found = self.tars[index]
        frames = images(found, _listed(found), self._size)
        if self._transform and len(frames):
            frames = self._transform(frames)
        text = found.fields.get("txt", found.fields.get("caption", ""))
        return FramesSample(frames, str(text), dict(found.fields), next(iter(_videos(found)), b""), found.key)


class FramesBatch(NamedTuple):
    """Samples side by side; see `FramesSample`."""

    frames: "Tensor"
    texts: list[str]
    fields: list[dict[str, Any]]
    videos: list[bytes]
    keys: list[str]


def together(samples: Sequence[FramesSample]) -> FramesBatch:
    """A batch, for `DataLoader(collate_fn=together)`: frames stacked, everything else in lists."""
    import torch

    return FramesBatch(
        torch.stack([one.frames for one in samples]),
        [one.text for one in samples],
        [one.fields for one in samples],
        [one.video for one in samples],
        [one.key for one in samples],
    )


def images(found: Grouped, names: Sequence[str], size: tuple[int, int] | None = None) -> "Tensor":
    """uint8 (n, 3, height, width) of the parts with these names (`0`, `1`, …)."""
    import torch

    arrays = [_pixels(found, name, size) for name in names]
    if not arrays:
        return torch.zeros((0, 3, 0, 0), dtype=torch.uint8)
    if len({array.shape for array in arrays}) > 1:
        raise SpecError("its images differ in size", where=found.key, hint="say size=(height, width)")
    return torch.from_numpy(np.stack(arrays).transpose(0, 3, 1, 2).copy())


def need_torch() -> None:
    """Raises SpecError where it is not installed."""
    if find_spec("torch") is None:
        raise SpecError("torch is not installed", hint="pip install 'reelmill-stages[embed]'")


def _pixels(found: Grouped, name: str, size: tuple[int, int] | None) -> "np.ndarray[Any, np.dtype[np.uint8]]":
    there = [part for kind in ("jpg", "jpeg", "png") if (part := f"{name}.{kind}") in found.parts]
    if not there:
        raise SpecError(f"it lists the image {name} and has none such", where=found.key, hint="see reelmill check")
    try:
        with Image.open(io.BytesIO(found.parts[there[0]])) as image:
            pixels = image.convert("RGB")
    except (OSError, SyntaxError, ValueError) as error:
        raise SpecError(f"the image {name} cannot be decoded: {error}", where=found.key) from error
    return np.asarray(pixels.resize((size[1], size[0])) if size else pixels)


def _listed(found: Grouped) -> list[str]:
    names = found.fields.get("image_name_list", [])
    return [str(name).rpartition("-")[2] for name in names] if isinstance(names, list) else []


def _videos(found: Grouped) -> list[bytes]:
    return [data for name, data in found.parts.items() if name == "mp4"]

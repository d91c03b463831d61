"""CLIP4MC samples for a training loop, with the same 16 frames in the same order as the loader of CLIP4MC.

A map-style dataset for `torch.utils.data.DataLoader`. It reads the lists of a dataset_info.json, and three small files
for each sample. Only arrays are unpickled.
"""

from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from reelmill.contract.errors import SpecError
from reelmill_stages.datasets.files.place import SampleFolder
from reelmill_stages.models.extra import HINT
from reelmill_stages.stages.frames.info import NAME, parse_info
from reelmill_stages.stages.frames.writer import SIZE, TEXT, VIDEO
from reelmill_stages.untrusted.arrays import loads_arrays
from reelmill_stages.untrusted.nested import load_json
from reelmill_stages.untrusted.pickles import PickleError

if TYPE_CHECKING:
    from torch import Tensor

FRAMES = 16
"""Number of frames of the model's input; stored clips have a multiple of it."""
MEAN = (0.3331, 0.3245, 0.3051)
"""Mean of the RGB channels in [0, 1], as in CLIP4MC."""
STD = (0.2439, 0.2493, 0.2873)
"""Standard deviation of the RGB channels in [0, 1], as in CLIP4MC."""
_HINT = "find all samples that a trainer cannot read with reelmill check"


class Clip4mcSample(NamedTuple):
    """A sample; a DataLoader adds a batch dimension in front."""

    video: "Tensor"
    """float32 (16, 3, height, width), RGB, normalized with MEAN and STD."""
    tokens: "Tensor"
    """int64 (77,): CLIP token ids of the transcript."""
    size: "Tensor"
    """float32 (16,): fraction of the image that the target covers in each frame."""
    name: str
    """Folder of the sample."""


class Clip4mcSamples:
    """The samples of one split.

    `where` is an exported folder, the folder of a stage in a store (`s3://bucket/prefix/samples`, which selects its
    latest data set), or a folder with a merged dataset_info.json. `transform` is applied to the 16 frames, uint8
    (16, 3, height, width) RGB, before scaling; CLIP4MC uses `torchvision.transforms.RandomResizedCrop((160, 256))` for
    train only. Raises SpecError without torch or for an unknown split, and NotFound without a dataset_info.json.

    The list is always compared with its digest; `verify` compares the files of samples whenever they are read. Raises
    StoreDamaged for one that differs from what was committed.
    """

    def __init__(
        self,
        where: str,
        split: str = "train",
        *,
        transform: "Callable[[Tensor], Tensor] | None" = None,
        endpoint: str = "",
        region: str = "",
        verify: bool = False,
    ) -> None:
        _need_torch()
        self._place = SampleFolder(where, endpoint=endpoint, region=region, verify=verify).current(NAME)
        lists = parse_info(self._place.view(NAME), self._place.at(NAME))
        if split not in lists:
            raise SpecError(f"no split named {split!r}", where=where, hint=f"choose one of {', '.join(lists)}")
        self.samples = lists[split]
        self._transform = transform

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Clip4mcSample:
        """Read a sample. Raises SpecError for a sample that the loader of CLIP4MC could not read."""
        import torch

        name = self.samples[index]
        frames = self._array(f"{name}/{VIDEO}")
        if frames.ndim != 4 or len(frames) < FRAMES or len(frames) % FRAMES:
            shape = "x".join(map(str, frames.shape))
            raise SpecError(
                f"the number of frames ({shape}) is not a multiple of {FRAMES}", where=f"{name}/{VIDEO}", hint=_HINT
            )
        # Every (len // 16)-th frame, converted from the stored BGR to RGB, as the trainer does.
        picked = frames[:: len(frames) // FRAMES, ..., ::-1].transpose(0, 3, 1, 2)
        video = torch.from_numpy(picked.copy())
        if self._transform:
            video = self._transform(video)
        mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
        tokens = self._array(f"{name}/{TEXT}", "tokens")
        return Clip4mcSample(
            (video.float() / 255 - mean) / std, torch.from_numpy(tokens.copy()), self._size(name), name
        )

    def _array(self, file: str, field: str = "") -> "np.ndarray[Any, Any]":
        """Return the array in a pickle, or the one under `field` in a dictionary."""
        try:
            found = loads_arrays(self._place.read(file))
        except PickleError as error:
            raise SpecError(f"cannot be unpickled: {error}", where=file, hint=_HINT) from error
        if field:
            found = found.get(field) if isinstance(found, dict) else None
        if not isinstance(found, np.ndarray):
            raise SpecError("does not contain the array that the loader expects", where=file, hint=_HINT)
        return found

    def _size(self, name: str) -> "Tensor":
        import torch

        size = load_json(self._place.read(f"{name}/{SIZE}"))
        if not isinstance(size, list) or len(size) != FRAMES or not all(isinstance(value, float) for value in size):
            raise SpecError(f"must be a list of {FRAMES} floats", where=f"{name}/{SIZE}", hint=_HINT)
        return torch.tensor(size, dtype=torch.float32)


def _need_torch() -> None:
    if find_spec("torch") is None:
        raise SpecError("torch is not installed", hint=HINT)

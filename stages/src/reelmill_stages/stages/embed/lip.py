"""Lip reading: crops (T, 96, 96) to features (512, T), independent of batching and windows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.spec.stages.embed import EmbedBlock
from reelmill_stages.models.device import Device
from reelmill_stages.models.extra import load
from reelmill_stages.models.model_weights import check_keys, read_weights
from reelmill_stages.models.outline import outline
from reelmill_stages.stage import Input, ReadFile, Work
from reelmill_stages.stages.embed.family import Array, Fetch, Model, Prepared
from reelmill_stages.stages.embed.lip_crops import CROP, FPS, SIDE, prepare, read_crops
from reelmill_stages.stages.embed.lip_keys import IGNORED, WIDTH, counters, keys
from reelmill_stages.stages.embed.windows import Window, windows
from reelmill_stages.weight import Weight

GPU_BATCH = 8


class Lips:
    """The family of `lip-resnet18`."""

    packages = ("torch",)

    def __init__(self, block: EmbedBlock) -> None:
        self._block = block

    def check(self, fetch: Fetch) -> None:
        weights = fetch(self._block.weights)
        check_keys(
            _without_word_layers(outline(weights, self._error_location)),
            keys(),
            self._error_location,
            optional=counters(),
        )

    def prepare(self, given: Input, work: Work) -> Prepared:
        item = given.item
        if item.media is None:
            raise ItemError(ItemReason.NO_MEDIA, f"{item.key} has no file of crops")
        frames = prepare(read_crops(work.fetch(item.media)))
        return Prepared(frames, item.key.removesuffix(".npz"), len(frames) / FPS)

    def model(self, read: ReadFile, device: Device, *, precision: str) -> Model:
        weights = load_lip_weights(
            read(self._block.weights.uri, self._block.weights.digest or ""), self._error_location
        )
        network = load("reelmill_stages.stages.embed.lip_network").LipNetwork(
            weights, device.name, bfloat16=precision == "bfloat16"
        )
        batch = self._block.batch_size or (GPU_BATCH if device.is_gpu else 1)
        return LipModel(network, batch, self._block.window, self._block.halo)

    def size(self, items: int, weight: Weight) -> int | None:
        """The number of frames follows from durations, and from sizes of files of crops in bytes."""
        if weight.unknown:
            return None
        frames = weight.bytes / (SIDE * SIDE) + weight.seconds * FPS
        return int(frames * WIDTH * 4)

    @property
    def _error_location(self) -> str:
        return f"weights: {self._block.weights.uri}"


def load_lip_weights(path: Path, where: str) -> dict[str, Any]:
    """Load the tensors of the model. Raises SpecError for missing or unexpected keys."""
    tensors = _without_word_layers(read_weights(path, where))
    check_keys({name: tuple(value.shape) for name, value in tensors.items()}, keys(), where, optional=counters())
    return tensors


def _without_word_layers(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if IGNORED not in name}


@dataclass(frozen=True, slots=True)
class LipModel:
    """Implements `Model` with a network: processes windows of clips, padded with zeros, `batch` at a time."""

    network: Any
    batch: int
    window: int
    halo: int

    def __call__(self, clips: Sequence[Array]) -> list[Array]:
        features = [np.empty((WIDTH, len(clip)), np.float32) for clip in clips]
        pieces = [(number, one) for number, clip in enumerate(clips) for one in self._windows(len(clip))]
        for first in range(0, len(pieces), self.batch):
            some = pieces[first : first + self.batch]
            for (number, one), found in zip(some, self._run_network(clips, some), strict=True):
                at = one.first + one.drop
                features[number][:, at : at + one.keep] = found[:, one.drop : one.drop + one.keep]
        return features

    def _windows(self, length: int) -> Iterator[Window]:
        return windows(length, self.window, self.halo)

    def _run_network(self, clips: Sequence[Array], pieces: Sequence[tuple[int, Window]]) -> Array:
        """Padding with zeros after normalization equals the padding of the model, so results do not change."""
        longest = max(one.end - one.first for _, one in pieces)
        padded = np.zeros((len(pieces), longest, CROP, CROP), np.float32)
        for place, (number, one) in enumerate(pieces):
            padded[place, : one.end - one.first] = clips[number][one.first : one.end]
        found: Array = self.network(load("torch").from_numpy(padded)).cpu().numpy()
        return found

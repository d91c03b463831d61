"""Embeddings of clips by a video tower of torchvision, float32 (1, width): the input of its classifier."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.spec.stages.embed import VIDEO, EmbedBlock
from reelmill_stages.media.timeline.selection import middles
from reelmill_stages.models.device import Device
from reelmill_stages.models.extra import load
from reelmill_stages.models.model_weights import check_keys, read_weights
from reelmill_stages.models.outline import outline
from reelmill_stages.stage import Input, ReadFile, Work
from reelmill_stages.stages.embed.family import Array, Fetch, Model, Prepared
from reelmill_stages.stages.embed.towers.frames import Pixels, frames_of
from reelmill_stages.stages.embed.towers.images import clip_name
from reelmill_stages.weight import Weight

_LARGEST_WIDTH = 1024
_HEADS = ("fc", "classifier", "head")
"""Attributes with the classifier of torchvision's video models."""


class VideoTower:
    """The family of torchvision's video towers, without their classifiers."""

    packages = ("torch", "torchvision")

    def __init__(self, block: EmbedBlock) -> None:
        self._block = block
        self._name = block.model.removeprefix(VIDEO)
        self._loaded: Any = None

    def check(self, fetch: Fetch) -> None:
        found = outline(fetch(self._block.weights), self._error_location)
        with load("torch").device("meta"):
            check_keys(_without_classifier(found), _shapes(self._tower().state_dict()), self._error_location)

    def prepare(self, given: Input, work: Work) -> Prepared:
        frames = list(frames_of(given.item, work, self._block.frames))
        if not frames:
            raise ItemError(ItemReason.NO_FRAMES, f"{given.item.key} has no frame")
        chosen = [frames[place] for place in spread(len(frames), self._block.frames)]
        return Prepared(
            self._cropped_frames(chosen), clip_name(given), 0.0, {"frames": min(len(frames), self._block.frames)}
        )

    def model(self, read: ReadFile, device: Device, *, precision: str) -> Model:
        torch = load("torch")
        weights = _without_classifier(
            read_weights(read(self._block.weights.uri, self._block.weights.digest or ""), self._error_location)
        )
        tower = self._tower()
        check_keys(_shapes(weights), _shapes(tower.state_dict()), self._error_location)
        tower.load_state_dict(weights)
        dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        tower = tower.to(device.name, dtype).eval()

        def run(clips: Sequence[Array]) -> list[Array]:
            with torch.inference_mode():
                return [
                    tower(self._normalised_batch(clip).to(device.name, dtype)).float().cpu().numpy() for clip in clips
                ]

        return run

    def size(self, items: int, weight: Weight) -> int:
        return items * _LARGEST_WIDTH * 4

    def _tower(self) -> Any:
        """Return the model without weights, with its classifier removed."""
        torch, videos = load("torch"), load("torchvision.models.video")
        tower = getattr(videos, self._name)(weights=None)
        for name in _HEADS:
            if hasattr(tower, name):
                setattr(tower, name, torch.nn.Identity())
        return tower

    @property
    def _preset(self) -> Any:
        """Torchvision's transform for the published weights of the model; nothing is downloaded."""
        if self._loaded is None:
            load("torch").set_num_threads(1)
            self._loaded = load("torchvision.models").get_model_weights(self._name).DEFAULT.transforms()
        return self._loaded

    def _cropped_frames(self, frames: Sequence[Pixels]) -> Array:
        """Frames resized and cropped as torchvision's preset does, uint8 (frames, 3, side, side)."""
        torch, functional = load("torch"), load("torchvision.transforms.functional")
        preset = self._preset
        clip = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2)
        clip = functional.resize(clip, preset.resize_size, interpolation=preset.interpolation, antialias=False)
        found: Array = functional.center_crop(clip, preset.crop_size).contiguous().numpy()
        return found

    def _normalised_batch(self, clip: Array) -> Any:
        """A batch of one clip, float32 (1, 3, frames, side, side)."""
        torch, functional = load("torch"), load("torchvision.transforms.functional")
        preset = load("torchvision.models").get_model_weights(self._name).DEFAULT.transforms()
        frames = functional.convert_image_dtype(torch.from_numpy(np.array(clip)), torch.float)
        frames = functional.normalize(frames, mean=preset.mean, std=preset.std)
        return frames.permute(1, 0, 2, 3).unsqueeze(0)

    @property
    def _error_location(self) -> str:
        return f"weights: {self._block.weights.uri}"


def spread(frames: int, count: int) -> list[int]:
    """Return exactly `count` indexes of `frames` frames, at the centres of equal parts; repeated if there are fewer."""
    found = middles(frames, count)
    return found if len(found) == count else [(2 * number + 1) * frames // (2 * count) for number in range(count)]


def _without_classifier(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name.partition(".")[0] not in _HEADS}


def _shapes(tensors: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}

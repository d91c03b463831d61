"""CLIP's image tower as a function from pixels to patch features; the only importer of open_clip in this stage."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import open_clip
import torch
from torch.nn import functional

from reelmill_stages.stages.grid.pixels import MEAN, STD, Pixels
from reelmill_stages.stages.grid.weights import VISUAL, Tensors, check_finite, read_weights

Config = Mapping[str, Any]
"""`embed_dim`, `vision_cfg`, `text_cfg`, perhaps `quick_gelu`, as open_clip writes an architecture down."""


@dataclass(frozen=True, slots=True)
class GridSelection:
    """What is taken from the last layer. `rows` per side; with as many as there are patches nothing is averaged."""

    rows: int
    space: Literal["hidden", "projected"]


def architecture(model: str) -> Config:
    """The architecture that open_clip knows by this name."""
    config: Config = open_clip.get_model_config(model)
    return config


def check_weights(config: Config, path: Path, where: str = "") -> None:
    """Raises SpecError for weights whose keys or shapes are not the architecture's, naming them."""
    _read(config, path, where)


class Tower:
    """The image tower on one device.

    `input_side` pixels, other than the trained ones, interpolate the position embedding as open_clip does.
    """

    def __init__(self, config: Config, weights: Path, *, input_side: int, device: str = "cpu", where: str = "") -> None:
        """Raises SpecError for weights that do not fit or are no numbers."""
        tensors = {name: tensor.to(torch.float32, copy=True) for name, tensor in _read(config, weights, where).items()}
        check_finite(tensors, where or str(weights))
        model = _skeleton({**config, "vision_cfg": {**config["vision_cfg"], "image_size": input_side}})
        open_clip.model.resize_pos_embed(tensors, model)
        visual = model.visual
        visual.load_state_dict({name.removeprefix(VISUAL): tensor for name, tensor in tensors.items()}, assign=True)
        visual.output_tokens = True
        self._visual = visual.to(device).eval().requires_grad_(False)
        self._device = torch.device(device)
        self._mean = torch.tensor(MEAN, device=self._device).view(1, 3, 1, 1)
        self._std = torch.tensor(STD, device=self._device).view(1, 3, 1, 1)

    def patches(self, images: "torch.Tensor | list[Pixels]") -> torch.Tensor:
        """Patches of uint8 images (B, side, side, 3) after the last LayerNorm: float32 (B, patches, width)."""
        if not isinstance(images, torch.Tensor):
            images = torch.stack([torch.from_numpy(image) for image in images])
        values = images.to(self._device).permute(0, 3, 1, 2).contiguous().float().div_(255)
        with torch.inference_mode():
            found: torch.Tensor = self._visual(values.sub_(self._mean).div_(self._std))[1]
        return found

    def grid(self, patches: torch.Tensor, grid: GridSelection) -> torch.Tensor:
        """Patches averaged to rows x rows and brought into the space that is asked for: (B, rows * rows, numbers)."""
        with torch.inference_mode():
            return self._into(pooled(patches, grid.rows), grid.space)

    def nearest(self, patches: torch.Tensor, codebook: torch.Tensor) -> torch.Tensor:
        """For each patch the number of the text whose direction is nearest: int64 (B, patches)."""
        with torch.inference_mode():
            joint = functional.normalize(self._into(patches, "projected"), dim=-1)
            texts = functional.normalize(codebook.to(self._device).float(), dim=-1)
            return (joint @ texts.T).argmax(dim=-1)

    def _into(self, patches: torch.Tensor, space: str) -> torch.Tensor:
        return patches @ self._visual.proj if space == "projected" else patches


def pooled(patches: torch.Tensor, rows: int) -> torch.Tensor:
    """(B, side * side, width) averaged to (B, rows * rows, width), adaptively where side is no multiple of rows."""
    count, total, width = patches.shape
    side = int(total**0.5)
    if side == rows:
        return patches
    square = patches.transpose(1, 2).reshape(count, width, side, side)
    if side % rows:
        square = functional.adaptive_avg_pool2d(square, rows)
    else:
        square = functional.avg_pool2d(square, side // rows)
    return square.flatten(2).transpose(1, 2)


def _read(config: Config, path: Path, where: str) -> Tensors:
    shapes = {name: tensor.shape for name, tensor in _skeleton(config).state_dict().items()}
    return read_weights(path, shapes, quick=bool(config.get("quick_gelu")), where=where)


def _skeleton(config: Config) -> Any:
    """The model without memory for its weights."""
    with torch.device("meta"):
        return open_clip.CLIP(**config)

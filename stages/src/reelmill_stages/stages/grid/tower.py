"""CLIP's image tower as a function from pixels to patch features. Only this module of the stage imports open_clip."""

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
"""An open_clip model configuration: `embed_dim`, `vision_cfg`, `text_cfg` and optionally `quick_gelu`."""


@dataclass(frozen=True, slots=True)
class GridSelection:
    """The output grid: `rows` per side (equal to the number of patches per side: no averaging), and the space."""

    rows: int
    space: Literal["hidden", "projected"]


def architecture(model: str) -> Config:
    """The open_clip configuration of a model."""
    config: Config = open_clip.get_model_config(model)
    return config


def check_weights(config: Config, path: Path, where: str = "") -> None:
    """Raise SpecError for weights whose keys or shapes do not match the architecture."""
    _read_visual_weights(config, path, where)


class Tower:
    """The image tower on one device.

    If `input_side` (in pixels) differs from that of the training, the position embedding is interpolated.
    """

    def __init__(self, config: Config, weights: Path, *, input_side: int, device: str = "cpu", where: str = "") -> None:
        """Raises SpecError for weights that do not match or are not finite."""
        tensors = {
            name: tensor.to(torch.float32, copy=True)
            for name, tensor in _read_visual_weights(config, weights, where).items()
        }
        check_finite(tensors, where or str(weights))
        model = _model_without_weights({**config, "vision_cfg": {**config["vision_cfg"], "image_size": input_side}})
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
        """Patches averaged to rows x rows, in the requested space: (B, rows * rows, features)."""
        with torch.inference_mode():
            return self._in_space(pooled(patches, grid.rows), grid.space)

    def nearest(self, patches: torch.Tensor, codebook: torch.Tensor) -> torch.Tensor:
        """Index of the text with the highest cosine similarity for each patch: int64 (B, patches)."""
        with torch.inference_mode():
            joint = functional.normalize(self._in_space(patches, "projected"), dim=-1)
            texts = functional.normalize(codebook.to(self._device).float(), dim=-1)
            return (joint @ texts.T).argmax(dim=-1)

    def _in_space(self, patches: torch.Tensor, space: str) -> torch.Tensor:
        return patches @ self._visual.proj if space == "projected" else patches


def pooled(patches: torch.Tensor, rows: int) -> torch.Tensor:
    """Average (B, side * side, width) to (B, rows * rows, width) by adaptive pooling."""
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


def _read_visual_weights(config: Config, path: Path, where: str) -> Tensors:
    shapes = {name: tensor.shape for name, tensor in _model_without_weights(config).state_dict().items()}
    return read_weights(path, shapes, quick=bool(config.get("quick_gelu")), where=where)


def _model_without_weights(config: Config) -> Any:
    """The model on the meta device, without memory for weights."""
    with torch.device("meta"):
        return open_clip.CLIP(**config)

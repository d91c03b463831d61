"""The front end of the LRW lip-reading model: a 3-D convolution over 5 frames, then a ResNet-18 of each frame.

Requires torch. Batch normalization is folded into the convolution before it (computed in float64).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from reelmill_stages.stages.embed.lip_keys import BLOCKS, WIDTH, WIDTHS, stride

EPSILON = 1e-5
REACH = 2
"""Number of frames before and after a frame in the receptive field of the first convolution."""

Tensor = Any


@dataclass(frozen=True, slots=True)
class _Conv:
    weight: Tensor
    bias: Tensor


@dataclass(frozen=True, slots=True)
class _Block:
    first: _Conv
    first_slope: Tensor
    second: _Conv
    second_slope: Tensor
    shortcut: _Conv | None
    stride: int


class LipNetwork:
    """Maps normalized frames (B, T, 88, 88) to features (B, 512, T), both float32 on `device`."""

    def __init__(self, weights: Mapping[str, Tensor], device: str, *, bfloat16: bool = False) -> None:
        self._device = torch.device(device)
        self._dtype = torch.bfloat16 if bfloat16 else torch.float32
        self._stem = self._fold_batch_norm(weights, "frontend3D.0", "frontend3D.1")
        self._rises = bool((weights["frontend3D.2.weight"] >= 0).all())
        self._stem_slope = self._on_device(weights["frontend3D.2.weight"])
        self._blocks = [
            self._new_block(weights, f"trunk.layer{layer}.{block}", stride(layer, block))
            for layer in range(1, len(WIDTHS) + 1)
            for block in range(BLOCKS)
        ]

    def __call__(self, frames: Tensor) -> Tensor:
        with torch.inference_mode():
            batch, length = frames.shape[:2]
            seen = self._with_neighbours(frames.to(self._device, self._dtype))
            seen = functional.conv2d(seen, self._stem.weight, self._stem.bias, stride=2, padding=3)
            seen = self._activated_and_pooled(seen)
            for block in self._blocks:
                seen = self._apply_block(block, seen)
            return seen.mean((2, 3)).float().reshape(batch, length, WIDTH).transpose(1, 2)

    @staticmethod
    def _with_neighbours(frames: Tensor) -> Tensor:
        """Each frame with its two neighbours on both sides as channels, (B * T, 5, 88, 88), with zeros beyond the ends.

        So the first convolution is 2-D, which is much faster than 3-D.
        """
        padded = functional.pad(frames, (0, 0, 0, 0, REACH, REACH))
        seen = padded.unfold(1, 2 * REACH + 1, 1).permute(0, 1, 4, 2, 3)
        return seen.reshape(-1, *seen.shape[2:]).contiguous(memory_format=torch.channels_last)

    def _activated_and_pooled(self, seen: Tensor) -> Tensor:
        """Activation and pooling; for monotonic activations, pooling first is equal and faster."""
        if self._rises:
            seen = functional.max_pool2d(seen, kernel_size=3, stride=2, padding=1)
            return functional.prelu(seen, self._stem_slope)
        return functional.max_pool2d(functional.prelu(seen, self._stem_slope), kernel_size=3, stride=2, padding=1)

    @staticmethod
    def _apply_block(block: _Block, seen: Tensor) -> Tensor:
        ours = functional.conv2d(seen, block.first.weight, block.first.bias, stride=block.stride, padding=1)
        ours = functional.prelu(ours, block.first_slope)
        ours = functional.conv2d(ours, block.second.weight, block.second.bias, padding=1)
        if block.shortcut is not None:
            seen = functional.conv2d(seen, block.shortcut.weight, block.shortcut.bias, stride=block.stride)
        return functional.prelu(ours + seen, block.second_slope)

    def _new_block(self, weights: Mapping[str, Tensor], name: str, step: int) -> _Block:
        return _Block(
            self._fold_batch_norm(weights, f"{name}.conv1", f"{name}.bn1"),
            self._on_device(weights[f"{name}.relu1.weight"]),
            self._fold_batch_norm(weights, f"{name}.conv2", f"{name}.bn2"),
            self._on_device(weights[f"{name}.relu2.weight"]),
            self._fold_batch_norm(weights, f"{name}.downsample.0", f"{name}.downsample.1") if step > 1 else None,
            step,
        )

    def _fold_batch_norm(self, weights: Mapping[str, Tensor], conv: str, norm: str) -> _Conv:
        part = {name: weights[f"{norm}.{name}"].double() for name in ("weight", "bias", "running_mean", "running_var")}
        scale = part["weight"] / torch.sqrt(part["running_var"] + EPSILON)
        kernel = weights[f"{conv}.weight"].double()
        kernel = kernel * scale.reshape(-1, *[1] * (kernel.dim() - 1))
        # The five frames of the first convolution become channels: (64, 1, 5, 7, 7) to (64, 5, 7, 7).
        placed = self._on_device(kernel.reshape(kernel.shape[0], -1, *kernel.shape[-2:]))
        return _Conv(
            placed.contiguous(memory_format=torch.channels_last),
            self._on_device(part["bias"] - part["running_mean"] * scale),
        )

    def _on_device(self, tensor: Tensor) -> Tensor:
        return tensor.to(self._device, self._dtype)

"""The front end of the LRW lip-reading model: a 3-D convolution over 5 frames, then a ResNet-18 of each frame.

Imported only where it runs: it needs torch. The network is a function of folded weights, not a module: a batch norm in
evaluation is a scale and a shift, which go into the convolution before it (computed in float64).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from reelmill_stages.embed.lip_keys import BLOCKS, WIDTH, WIDTHS, stride

EPSILON = 1e-5

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
    """Frames (B, T, 88, 88), normalised, to features (B, 512, T), both float32 on `device`."""

    def __init__(self, weights: Mapping[str, Tensor], device: str, *, bfloat16: bool = False) -> None:
        self._device = torch.device(device)
        self._dtype = torch.bfloat16 if bfloat16 else torch.float32
        self._stem = self._folded(weights, "frontend3D.0", "frontend3D.1")
        self._stem_slope = self._placed(weights["frontend3D.2.weight"])
        self._blocks = [
            self._block(weights, f"trunk.layer{layer}.{block}", stride(layer, block))
            for layer in range(1, len(WIDTHS) + 1)
            for block in range(BLOCKS)
        ]

    def __call__(self, frames: Tensor) -> Tensor:
        with torch.inference_mode():
            batch, length = frames.shape[:2]
            seen = frames.to(self._device, self._dtype).unsqueeze(1)
            seen = functional.conv3d(seen, self._stem.weight, self._stem.bias, stride=(1, 2, 2), padding=(2, 3, 3))
            seen = functional.prelu(seen, self._stem_slope)
            # From here each frame is a picture of its own. Pooled as such: the 3-D pool of one frame is far slower.
            seen = seen.transpose(1, 2).reshape(batch * length, *seen.shape[1:2], *seen.shape[3:])
            seen = seen.contiguous(memory_format=torch.channels_last)
            seen = functional.max_pool2d(seen, kernel_size=3, stride=2, padding=1)
            for block in self._blocks:
                seen = self._through(block, seen)
            return seen.mean((2, 3)).float().reshape(batch, length, WIDTH).transpose(1, 2)

    @staticmethod
    def _through(block: _Block, seen: Tensor) -> Tensor:
        ours = functional.conv2d(seen, block.first.weight, block.first.bias, stride=block.stride, padding=1)
        ours = functional.prelu(ours, block.first_slope)
        ours = functional.conv2d(ours, block.second.weight, block.second.bias, padding=1)
        if block.shortcut is not None:
            seen = functional.conv2d(seen, block.shortcut.weight, block.shortcut.bias, stride=block.stride)
        return functional.prelu(ours + seen, block.second_slope)

    def _block(self, weights: Mapping[str, Tensor], name: str, step: int) -> _Block:
        return _Block(
            self._folded(weights, f"{name}.conv1", f"{name}.bn1"),
            self._placed(weights[f"{name}.relu1.weight"]),
            self._folded(weights, f"{name}.conv2", f"{name}.bn2"),
            self._placed(weights[f"{name}.relu2.weight"]),
            self._folded(weights, f"{name}.downsample.0", f"{name}.downsample.1") if step > 1 else None,
            step,
        )

    def _folded(self, weights: Mapping[str, Tensor], conv: str, norm: str) -> _Conv:
        part = {name: weights[f"{norm}.{name}"].double() for name in ("weight", "bias", "running_mean", "running_var")}
        scale = part["weight"] / torch.sqrt(part["running_var"] + EPSILON)
        kernel = weights[f"{conv}.weight"].double()
        kernel = kernel * scale.reshape(-1, *[1] * (kernel.dim() - 1))
        placed = self._placed(kernel)
        if placed.dim() == 4:
            placed = placed.contiguous(memory_format=torch.channels_last)
        return _Conv(placed, self._placed(part["bias"] - part["running_mean"] * scale))

    def _placed(self, tensor: Tensor) -> Tensor:
        return tensor.to(self._device, self._dtype)

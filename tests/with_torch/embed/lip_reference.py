"""The lip model as its authors wrote it: modules, nothing folded. What ours is measured against; seeded weights."""

import torch
from torch import nn


def _block_with(width: int, below: int, stride: int) -> nn.Module:
    block = nn.Module()
    block.conv1 = nn.Conv2d(below, width, 3, stride, 1, bias=False)
    block.bn1 = nn.BatchNorm2d(width)
    block.relu1 = nn.PReLU(width)
    block.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
    block.bn2 = nn.BatchNorm2d(width)
    block.relu2 = nn.PReLU(width)
    if stride > 1:
        block.downsample = nn.Sequential(nn.Conv2d(below, width, 1, stride, bias=False), nn.BatchNorm2d(width))
    return block


def _through(block: nn.Module, seen: torch.Tensor) -> torch.Tensor:
    ours = block.relu1(block.bn1(block.conv1(seen)))
    ours = block.bn2(block.conv2(ours))
    beside = block.downsample(seen) if hasattr(block, "downsample") else seen
    return block.relu2(ours + beside)


class Reference(nn.Module):
    """(B, 1, T, 88, 88) to (B, 512, T)."""

    def __init__(self) -> None:
        super().__init__()
        self.frontend3D = nn.Sequential(
            nn.Conv3d(1, 64, (5, 7, 7), (1, 2, 2), (2, 3, 3), bias=False),
            nn.BatchNorm3d(64),
            nn.PReLU(64),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
        )
        self.trunk = nn.Module()
        below = 64
        for layer, width in enumerate((64, 128, 256, 512), 1):
            stride = 1 if layer == 1 else 2
            blocks = nn.ModuleList([_block_with(width, below, stride), _block_with(width, width, 1)])
            setattr(self.trunk, f"layer{layer}", blocks)
            below = width

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        seen = self.frontend3D(frames)
        batch, channels, length, height, width = seen.shape
        seen = seen.transpose(1, 2).reshape(batch * length, channels, height, width)
        for layer in range(1, 5):
            for block in getattr(self.trunk, f"layer{layer}"):
                seen = _through(block, seen)
        return seen.mean((2, 3)).view(batch, length, -1).transpose(1, 2)


def reference(seed: int = 0) -> Reference:
    """Seeded weights of sensible sizes, running statistics included: no norm is trivially one."""
    torch.manual_seed(seed)
    model = Reference().eval()
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if name.endswith("running_var"):
                value.uniform_(0.5, 1.5)
            elif name.endswith(("running_mean", "bias")):
                value.normal_(0, 0.1)
            elif name.endswith("weight") and value.dim() == 1:
                value.uniform_(0.2, 1.0)
    return model

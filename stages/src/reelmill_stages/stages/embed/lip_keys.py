"""Keys and shapes of the lip model's state dict, to check weights without a model."""

from collections.abc import Iterator

Shape = tuple[int, ...]

WIDTH = 512
"""Number of features of a frame."""
WIDTHS = (64, 128, 256, WIDTH)
"""Channels of the four layers of the trunk."""
BLOCKS = 2
"""Number of basic blocks in each layer."""
IGNORED = "tcn"
"""Part of the keys of the word classifier, which is not used."""


def keys() -> dict[str, Shape]:
    """Key -> shape."""
    return dict(_keys())


def counters() -> frozenset[str]:
    """Keys of the batch counters of batch normalization, which are not used and may be missing."""
    return frozenset(name for name in keys() if name.endswith("num_batches_tracked"))


def stride(layer: int, block: int) -> int:
    """Stride of the first convolution of a block: `layer` counts from 1, `block` from 0."""
    return 2 if layer > 1 and block == 0 else 1


def _keys() -> Iterator[tuple[str, Shape]]:
    yield "frontend3D.0.weight", (64, 1, 5, 7, 7)
    yield from _norm("frontend3D.1", 64)
    yield "frontend3D.2.weight", (64,)
    below = 64
    for layer, width in enumerate(WIDTHS, 1):
        for block in range(BLOCKS):
            name = f"trunk.layer{layer}.{block}"
            yield f"{name}.conv1.weight", (width, below, 3, 3)
            yield from _norm(f"{name}.bn1", width)
            yield f"{name}.relu1.weight", (width,)
            yield f"{name}.conv2.weight", (width, width, 3, 3)
            yield from _norm(f"{name}.bn2", width)
            yield f"{name}.relu2.weight", (width,)
            if stride(layer, block) > 1:
                yield f"{name}.downsample.0.weight", (width, below, 1, 1)
                yield from _norm(f"{name}.downsample.1", width)
            below = width


def _norm(name: str, width: int) -> Iterator[tuple[str, Shape]]:
    for part in ("weight", "bias", "running_mean", "running_var"):
        yield f"{name}.{part}", (width,)
    yield f"{name}.num_batches_tracked", ()

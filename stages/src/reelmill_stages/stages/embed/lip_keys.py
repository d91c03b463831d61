"""The lip model's state dict: every key and its shape, so that weights can be judged without a model."""

from collections.abc import Iterator

Shape = tuple[int, ...]

WIDTH = 512
"""Numbers of one frame's feature."""
WIDTHS = (64, 128, 256, WIDTH)
"""Channels of the four layers of the trunk."""
BLOCKS = 2
"""Basic blocks in each layer."""
IGNORED = "tcn"
"""Keys with this in them belong to the part that reads words: it is not used here."""


def keys() -> dict[str, Shape]:
    """Key -> shape."""
    return dict(_keys())


def counters() -> frozenset[str]:
    """Keys that batch normalisation counts batches under: unused in evaluation, and absent in older files."""
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

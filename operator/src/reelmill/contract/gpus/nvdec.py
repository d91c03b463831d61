"""What the video decoders of NVIDIA's GPUs (NVDEC) decode: the table of `nvdec.toml`, which names its sources.

The generation of a decoder follows from the GPU's CUDA compute capability. What the table does not list is not known,
and counts as not decoded.
"""

import tomllib
from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Annotated

from pydantic import Field

from reelmill.contract.model import Model

ORDINARY = "4:2:0 8"
"""The format of most videos."""

_VENDORS = ("NVIDIA ", "Tesla ")


class CodecLimits(Model):
    """What a decoder takes of one codec."""

    formats: list[str]
    """Chroma subsampling and bit depth: `4:2:0 8`."""
    smallest: tuple[int, int] = (1, 1)
    """Width and height in pixels."""
    largest: int
    """Pixels of width and of height."""
    macroblocks: int | None = None
    """Blocks of 16x16 pixels in a picture; None: as many as fit into `largest`."""

    def holds(self, width: int, height: int) -> bool:
        """Whether pictures of this size can be decoded."""
        if not (self.smallest[0] <= width <= self.largest and self.smallest[1] <= height <= self.largest):
            return False
        return self.macroblocks is None or -(-width // 16) * -(-height // 16) <= self.macroblocks


class Generation(Model):
    """GPUs whose decoders are alike."""

    name: str
    compute_capabilities: Annotated[list[str], Field(min_length=1)]
    """Of CUDA: `8.9`."""
    products: list[str]
    """Patterns of some product names."""
    on_some: list[str] = []
    """Codecs that some GPUs of the generation decode, and others do not."""
    codecs: dict[str, CodecLimits]
    """FFmpeg's name of a codec -> limits."""

    def decodes(self, codecs: Iterable[str]) -> bool:
        """Whether it decodes ordinary videos of all these codecs."""
        return all(codec in self.codecs and ORDINARY in self.codecs[codec].formats for codec in codecs)

    def has(self, product: str) -> bool:
        """Whether a product is known to belong to it: `NVIDIA-A100-SXM4-80GB` or `NVIDIA A100-SXM4-80GB`."""
        name = product.replace("-", " ")
        for vendor in _VENDORS:
            name = name.removeprefix(vendor)
        return any(fnmatchcase(name, form) for known in self.products for form in (known, f"{known} *"))


@cache
def generations() -> tuple[Generation, ...]:
    """The table, newest first."""
    found = tomllib.loads(files("reelmill.contract.gpus").joinpath("nvdec.toml").read_text(encoding="utf-8"))
    return tuple(map(Generation.model_validate, found["generations"]))


def of_capability(capability: str) -> Generation | None:
    """The generation of a CUDA compute capability (`8.9`); None: not in the table."""
    return next((one for one in generations() if capability in one.compute_capabilities), None)


def of_product(product: str) -> Generation | None:
    """The generation of a product, by its name or its node label; None: not in the table."""
    return next((one for one in generations() if one.has(product)), None)


def codecs() -> list[str]:
    """FFmpeg's names of all codecs of the table."""
    return sorted({codec for one in generations() for codec in one.codecs})


def known_codec(codec: str) -> str:
    """The codec. Raises ValueError for one that is not in the table."""
    if codec not in codecs():
        raise ValueError(f"no decoder of a GPU is known to have {codec!r}: give some of {', '.join(codecs())}")
    return codec


def capabilities(wanted: Iterable[str]) -> list[str]:
    """The compute capabilities of all GPUs that decode ordinary videos of all these codecs."""
    wanted = list(wanted)
    return [one for found in generations() if found.decodes(wanted) for one in found.compute_capabilities]

"""Formats that the video decoders of NVIDIA's GPUs (NVDEC) support: the table of `nvdec.toml`, with its sources.

The generation of a decoder follows from the GPU's CUDA compute capability. Formats that the table does not list are
unknown and count as unsupported.
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
    """What a decoder supports for one codec."""

    formats: list[str]
    """Chroma subsampling and bit depth: `4:2:0 8`."""
    smallest: tuple[int, int] = (1, 1)
    """Minimum width and height in pixels."""
    largest: int
    """Maximum width and height in pixels."""
    macroblocks: int | None = None
    """Maximum number of 16x16 pixel blocks in a picture; None: limited only by `largest`."""

    def holds(self, width: int, height: int) -> bool:
        """Whether pictures of this size can be decoded."""
        if not (self.smallest[0] <= width <= self.largest and self.smallest[1] <= height <= self.largest):
            return False
        return self.macroblocks is None or -(-width // 16) * -(-height // 16) <= self.macroblocks


class Generation(Model):
    """GPUs with equivalent decoders."""

    name: str
    compute_capabilities: Annotated[list[str], Field(min_length=1)]
    """CUDA compute capabilities: `8.9`."""
    products: list[str]
    """Patterns for known product names."""
    on_some: list[str] = []
    """Codecs that only some GPUs of the generation decode."""
    codecs: dict[str, CodecLimits]
    """FFmpeg's name of a codec -> limits."""

    def decodes(self, codecs: Iterable[str]) -> bool:
        """Whether it decodes ordinary videos of all the codecs."""
        return all(codec in self.codecs and ORDINARY in self.codecs[codec].formats for codec in codecs)

    def has(self, product: str) -> bool:
        """Whether a product belongs to it: `NVIDIA-A100-SXM4-80GB` or `NVIDIA A100-SXM4-80GB`."""
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
    """FFmpeg's names of all codecs in the table."""
    return sorted({codec for one in generations() for codec in one.codecs})


def known_codec(codec: str) -> str:
    """Return the codec. Raises ValueError if it is not in the table."""
    if codec not in codecs():
        raise ValueError(f"no decoder of a GPU is known to have {codec!r}: give some of {', '.join(codecs())}")
    return codec


def capabilities(wanted: Iterable[str]) -> list[str]:
    """The compute capabilities of all GPUs that decode ordinary videos of all the codecs."""
    wanted = list(wanted)
    return [one for found in generations() if found.decodes(wanted) for one in found.compute_capabilities]

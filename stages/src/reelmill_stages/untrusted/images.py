"""Opening of images of unknown origin, with a list of formats and a limit on pixels.

Pillow has dozens of plugins, one of which starts another program (EPS starts Ghostscript). Only those in `FORMATS` are
tried, regardless of the file name; for TIFF, only common compressions are read.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.TiffImagePlugin import BITSPERSAMPLE, PHOTOMETRIC_INTERPRETATION, TiffImageFile

from reelmill.contract.errors import ItemError, ReelmillError
from reelmill.contract.reasons import ItemReason

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
"""Plugins of Pillow that are tried."""
MAX_PIXELS = 89_478_485
"""Width times height; the value above which Pillow itself warns of a decompression bomb (256 MiB as RGB)."""
_TIFF_COMPRESSIONS = frozenset({"raw", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits", "jpeg"})
_WHITE_IS_ZERO = 0


class ImageError(ItemError):
    """An image that cannot be used. `reason` is `not_an_image`, `huge_image` or `damaged_image`."""


@contextmanager
def open_image(source: bytes | Path) -> Iterator[Image.Image]:
    """Open an image without decoding it; decode it (`load`, `convert`) inside the block, and do nothing else there.

    Raises ImageError, also for any exception inside the block.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS) as image:
                _check(image)
                yield image
    except (ReelmillError, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise ImageError(
            ItemReason.NOT_AN_IMAGE, f"it is not an image in one of the formats {', '.join(FORMATS)}"
        ) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(ItemReason.HUGE_IMAGE, f"it has more than {MAX_PIXELS} pixels") from error
    except Exception as error:  # Pillow's plugins raise many types of errors for damaged files
        raise ImageError(ItemReason.DAMAGED_IMAGE, (str(error).splitlines() or [type(error).__name__])[0]) from error


def rgb_image(image: Image.Image) -> Image.Image:
    """Decode an image into 8-bit RGB. Of 16-bit grey, the upper 8 bits are taken, as Pillow does with 16-bit colours.

    Raises ImageError with reason `not_an_image` for 32-bit grey, whose range is unknown.
    """
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.mode in ("I", "F"):
        raise ImageError(ItemReason.NOT_AN_IMAGE, "its pixels have 32 bits per channel; at most 16 are supported")
    return image.convert("RGB")


def image_fault(data: bytes) -> str:
    """Return why an image cannot be decoded; empty for a valid image."""
    try:
        with open_image(data) as image:
            image.load()
    except ImageError as error:
        return error.what
    return ""


def _check(image: Image.Image) -> None:
    pixels = image.width * image.height
    if pixels > MAX_PIXELS:
        raise ImageError(
            ItemReason.HUGE_IMAGE, f"it has {image.width}x{image.height} pixels, more than the limit of {MAX_PIXELS}"
        )
    if isinstance(image, TiffImageFile):
        _check_tiff(image)


def _check_tiff(image: TiffImageFile) -> None:
    compression = image.info.get("compression")
    if compression is not None and compression not in _TIFF_COMPRESSIONS:
        raise ImageError(ItemReason.NOT_AN_IMAGE, f"the TIFF compression {compression} is not supported")
    if image.mode.startswith("I;16"):  # Pillow returns these samples as they are
        (bits,) = image.tag_v2[BITSPERSAMPLE]
        if bits != 16 or image.tag_v2.get(PHOTOMETRIC_INTERPRETATION, _WHITE_IS_ZERO) == _WHITE_IS_ZERO:
            what = f"grey of {bits} bits" if bits != 16 else "grey of 16 bits of which 0 is white"
            raise ImageError(ItemReason.NOT_AN_IMAGE, f"TIFF with {what} is not supported")

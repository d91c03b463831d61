"""Checks whether an image can be decoded by a trainer."""

import io

from PIL import Image, UnidentifiedImageError

UNREADABLE = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)
"""Exceptions that Pillow raises for damaged images."""


def fault(data: bytes) -> str:
    """Why an image cannot be decoded; empty for a valid image."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
    except UnidentifiedImageError:
        return "no known image format"
    except UNREADABLE as error:
        return (str(error).splitlines() or [type(error).__name__])[0]
    return ""

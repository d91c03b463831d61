"""Whether bytes are an image that a trainer can decode."""

import io

from PIL import Image, UnidentifiedImageError

UNREADABLE = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)
"""What Pillow raises for damaged images."""


def fault(data: bytes) -> str:
    """Why an image does not decode, in a few words; empty for a good one."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
    except UnidentifiedImageError:
        return "no known image format"
    except UNREADABLE as error:
        return (str(error).splitlines() or [type(error).__name__])[0]
    return ""

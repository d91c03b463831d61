"""JPEG encoding of pixels, with quality and chroma subsampling."""

import io

from PIL import Image

from reelmill_stages.media.decoding.picture import Pixels


def jpeg(pixels: Pixels, quality: int) -> bytes:
    """Encode RGB pixels as baseline JPEG; equal pixels give equal bytes. 4:4:4 from quality 96 on, else 4:2:0."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format="JPEG", quality=quality, subsampling=0 if quality > 95 else 2)
    return out.getvalue()

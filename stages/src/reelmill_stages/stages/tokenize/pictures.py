"""Images of packs: small JPEGs are unchanged, others are converted."""

import io

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill_stages.untrusted.images import ImageError, open_image, rgb_image


def fitted(data: bytes, max_side: int | None, fit: str, quality: int) -> bytes | None:
    """A JPEG whose longer side has at most `max_side` pixels; None if `data` already is one.

    `fit`: `keep` keeps the aspect ratio, `squash` resizes to a square. Raises ItemError with reason `bad_image`.
    """
    try:
        with open_image(data) as image:
            large = max_side is not None and max(image.size) > max_side
            if image.format == "JPEG" and not large:
                return None
            size = _fitted_size(*image.size, max_side or 1, fit) if large else image.size
            made = rgb_image(image)
            if large:
                made = made.resize(size)
    except ImageError as error:
        raise ItemError(ItemReason.BAD_IMAGE, f"an image cannot be opened: {error.what[:80]}") from error
    out = io.BytesIO()
    made.save(out, format="JPEG", quality=quality)
    return out.getvalue()


def _fitted_size(width: int, height: int, max_side: int, fit: str) -> tuple[int, int]:
    if fit == "squash":
        return max_side, max_side
    longest = max(width, height)
    return max(1, round(width * max_side / longest)), max(1, round(height * max_side / longest))

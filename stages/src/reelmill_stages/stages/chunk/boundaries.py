"""Division of a range of frames into chunks. Pure."""

from reelmill.contract.text.quantities import count_of


def boundaries(total: int, limit: int | None, overlap: int = 0) -> list[range]:
    """Divide range(total) into chunks of `limit` frames, each of which overlaps the previous one by `overlap` frames.

    All chunks have exactly `limit` frames except the last one. Without a limit, or if `total` does not exceed it, there
    is one chunk. Raises ValueError unless 0 <= overlap < limit.
    """
    number = chunk_count(total, limit, overlap)
    if limit is None or number < 2:
        return [range(total)] * number
    starts = (place * (limit - overlap) for place in range(number))
    return [range(start, min(start + limit, total)) for start in starts]


def chunk_count(total: int, limit: int | None, overlap: int = 0) -> int:
    """Return the number of chunks of `boundaries` in constant time. Raises ValueError as `boundaries`."""
    if limit is None or total <= limit:
        return int(total > 0)
    if not 0 <= overlap < limit:
        raise ValueError(f"{count_of(overlap, 'frame')} of overlap in chunks of {limit}")
    return -(-(total - overlap) // (limit - overlap))

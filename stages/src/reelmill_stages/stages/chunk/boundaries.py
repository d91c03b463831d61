"""Division of a range of frames into chunks. Pure."""

from itertools import count


def boundaries(total: int, limit: int | None, overlap: int = 0) -> list[range]:
    """Chunks of `limit` frames that cover range(total); each starts `overlap` frames before the end of the previous
    one.

    All chunks have exactly `limit` frames except the last one. Without a limit, or if `total` does not exceed it, there
    is one chunk. Raises ValueError unless 0 <= overlap < limit.
    """
    if limit is None or total <= limit:
        return [range(total)] if total > 0 else []
    if not 0 <= overlap < limit:
        raise ValueError(f"{overlap} frames of overlap in chunks of {limit}")
    chunks = []
    for start in count(0, limit - overlap):
        chunks.append(range(start, min(start + limit, total)))
        if chunks[-1].stop == total:
            return chunks
    raise AssertionError("an endless count has ended")

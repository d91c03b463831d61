"""Where a range of frames is divided into chunks: pure arithmetic on frame numbers."""

from itertools import count


def boundaries(total: int, limit: int | None, overlap: int = 0) -> list[range]:
    """Chunks of `limit` frames that cover range(total), each beginning `overlap` frames before the last one's end.

    All have exactly `limit` frames but the last one, which ends with the range. Without a limit, or below it, one.
    Raises ValueError for an overlap that is no part of a chunk.
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

"""Files of items as responses: read from the store in pieces, by ranges (RFC 9110), never with an executable type."""

import re
from collections.abc import Iterator
from urllib.parse import quote

from starlette.responses import PlainTextResponse, Response, StreamingResponse

from reelmill.contract.errors import PreconditionFailed
from reelmill_stages.dashboard.views.files import ServedFile, place_of
from reelmill_stages.dashboard.web.request_guard import FILE_POLICY
from reelmill_stages.runtime.preview_frames.media_places import MediaPlaces
from reelmill_stages.store import Store

CHUNK = 1 << 20
"""Number of bytes that are read at once."""
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def file_response(places: MediaPlaces, file: ServedFile, requested: str, if_none_match: str, *, head: bool) -> Response:
    """Return the file, or the range in the header `requested`.

    Raises StoreError for a file that may not be served, NotFound for one that no longer exists, and TransientError.
    """
    store, key = place_of(places, file)
    stat = store.stat(key)
    tag = f'"{stat.etag}"'
    headers = {
        "content-security-policy": FILE_POLICY,
        "cache-control": "private, max-age=60",
        "accept-ranges": "bytes",
        "etag": tag,
        "content-disposition": disposition(file),
    }
    if stat.size != file.size:
        return PlainTextResponse("This file is not what was committed: its size differs.\n", status_code=409)
    if if_none_match == tag:
        return Response(status_code=304, headers=headers)
    found = span(requested, stat.size)
    if found is None:
        return Response(status_code=416, headers={**headers, "content-range": f"bytes */{stat.size}"})
    start, end = found
    headers["content-length"] = str(end - start)
    if (start, end) != (0, stat.size):
        headers["content-range"] = f"bytes {start}-{end - 1}/{stat.size}"
    status = 206 if "content-range" in headers else 200
    if head:
        return Response(status_code=status, headers=headers, media_type=file.media_type)
    return StreamingResponse(_pieces(store, key, start, end, stat.etag), status, headers, media_type=file.media_type)


def span(requested: str, size: int) -> tuple[int, int] | None:
    """Return [start, end) of a Range header; the whole file without a range or with several. None: beyond the end."""
    match = _RANGE.fullmatch(requested.strip())
    if not match or not (match[1] or match[2]):
        return 0, size
    if not match[1]:
        length = min(int(match[2]), size)
        return (size - length, size) if length else None
    start, end = int(match[1]), min(int(match[2]) + 1, size) if match[2] else size
    if match[2] and int(match[2]) < start:
        return 0, size
    return (start, end) if start < size else None


def disposition(file: ServedFile) -> str:
    """Return the Content-Disposition: whether a browser shows the file, and its name when it is saved."""
    how = "attachment" if file.kind == "other" else "inline"
    return f"{how}; filename*=UTF-8''{quote(file.name.encode(errors='replace'), safe='')}"


def _pieces(store: Store, key: str, start: int, end: int, etag: str) -> Iterator[bytes]:
    while start < end:
        try:
            data = store.read(key, start=start, length=min(CHUNK, end - start), if_match=etag)
        except PreconditionFailed:
            return  # the file changed meanwhile: the response is too short, which the browser detects
        if not data:
            return
        yield data
        start += len(data)

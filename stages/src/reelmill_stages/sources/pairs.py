"""`pairs`: lists existing clips with a `text_video_pairs.json`."""

from collections.abc import Iterator
from posixpath import basename
from typing import Any

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.spec.sources.pairs import PairsBlock
from reelmill_stages.file_names import safe_stem
from reelmill_stages.sources import Bucket, Listed
from reelmill_stages.sources.earlier_items import NOTHING, EarlierItems
from reelmill_stages.sources.files import media_of
from reelmill_stages.sources.listing.drafts import RowDraft, refused, row_digest
from reelmill_stages.sources.listing.settle import settled
from reelmill_stages.sources.objects.bucket import absolute
from reelmill_stages.sources.objects.folder import Found, MediaFolder, stem
from reelmill_stages.sources.tables import cells
from reelmill_stages.sources.tables.column_lookup import Row, as_row, seen_rows
from reelmill_stages.sources.tables.json_stream import values


def list_items(block: PairsBlock, bucket: Bucket, source: str, before: EarlierItems = NOTHING) -> Iterator[Listed]:
    """One item per pair. The clip is already cut; its times are kept as `begin_time`, `end_time` and `duration`."""
    pairs = absolute(block.uri)
    folder = MediaFolder(bucket, block.clips)
    rows = seen_rows(values(bucket.read(pairs), pairs), pairs, ("vid",), ("clip_path",), ("transcript",))
    return settled((_draft(row, folder, source) for row in rows), before, positions=True)


def _draft(value: object, folder: MediaFolder, source: str) -> RowDraft:
    digest, about = row_digest(value), ""
    try:
        row = as_row(value)
        path = _slashes(row.get("clip_path"))
        name = about = cells.path(basename(path))
        fields: dict[str, Any] = {
            "vid": cells.identifier(row.get("vid")),
            "text": cells.caption(row.get("transcript")),
        }
        fields |= _times(row)
        if (size := cells.sizes(row.get("size"))) is not None:
            fields["size"] = size
    except ItemError as error:
        return refused(digest, error, about)
    draft = RowDraft(name, digest, name, fields=fields, stem=safe_stem(stem(name)))
    try:
        uri, stat = _clip(folder, name, path)
    except ItemError as error:
        draft.problem = (error.reason, error.what)
        return draft
    draft.media, draft.group = media_of(uri, stat, source), uri
    draft.weight = fields.get("duration") or float(stat.size)
    return draft


def _times(row: Row) -> dict[str, float]:
    """Return the times in the row, in seconds. Raises `bad_span` for invalid times."""
    names = ("begin_time", "end_time", "duration")
    times = {name: cells.seconds(row[name], name) for name in names if row.get(name) is not None}
    if "begin_time" in times and "end_time" in times:
        begin, end = cells.span(times["begin_time"], times["end_time"])
        times.setdefault("duration", end - begin)
    if times.get("duration", 1.0) <= 0:
        raise ItemError(ItemReason.BAD_SPAN, f"the clip lasts {times['duration']:g} s")
    return times


def _clip(folder: MediaFolder, name: str, path: str) -> Found:
    """Find a clip by its file name; if several have that name, by the required part of the path."""
    try:
        return folder.named(name)
    except ItemError as error:
        parts = path.strip("/").split("/")
        tails = (folder.below("/".join(parts[first:])) for first in range(len(parts)))
        exact = next((tail for tail in tails if tail), None) if error.reason == ItemReason.AMBIGUOUS else None
        if exact is None:
            raise
        return exact


def _slashes(path: object) -> str:
    """Replace backslashes of Windows paths with slashes. Raises `bad_path`."""
    if not isinstance(path, str):
        raise ItemError(ItemReason.BAD_PATH, f"clip_path is {cells.shown(path)}, not text")
    return path if "/" in path else path.replace("\\", "/")

"""`clip4mc`: lists CLIP4MC's metadata, one item per clip, grouped by source video."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.spec.sources.clip4mc import Clip4mcBlock
from reelmill.contract.text.quantities import count_of
from reelmill_stages.file_names import clip_stem
from reelmill_stages.sources import Bucket, Listed
from reelmill_stages.sources.earlier_items import NOTHING, EarlierItems
from reelmill_stages.sources.files import media_of
from reelmill_stages.sources.listing.drafts import RowDraft, refused, row_digest
from reelmill_stages.sources.listing.settle import settled
from reelmill_stages.sources.objects.bucket import absolute
from reelmill_stages.sources.objects.folder import Found, MediaFolder, stem
from reelmill_stages.sources.tables import cells
from reelmill_stages.sources.tables.column_lookup import as_row, cell, seen_rows
from reelmill_stages.sources.tables.info_csv import files_by_id
from reelmill_stages.sources.tables.json_stream import values

VID = ("vid",)
TEXT = ("transcript clip", "transcript")
BEGIN = ("begin position", "begin")
END = ("end position", "end")


def list_items(block: Clip4mcBlock, bucket: Bucket, source: str, before: EarlierItems = NOTHING) -> Iterator[Listed]:
    """One item per row of the metadata: a clip to be cut from the video that `vid` and `info` determine."""
    metadata = absolute(block.metadata)
    info = files_by_id(bucket.read(block.info), absolute(block.info)) if block.info else {}
    videos = _Videos(MediaFolder(bucket, block.videos), info)
    rows = seen_rows(values(bucket.read(metadata), metadata), metadata, VID, TEXT, BEGIN, END)
    return settled((_draft(row, videos, source) for row in rows), before, positions=True)


def _draft(value: object, videos: "_Videos", source: str) -> RowDraft:
    digest, about = row_digest(value), ""
    try:
        row = as_row(value)
        vid = about = cells.identifier(cell(row, *VID))
        start, end = cells.span(cell(row, *BEGIN), cell(row, *END))
        fields: dict[str, object] = {"vid": vid, "text": cells.caption(cell(row, *TEXT)), "start": start, "end": end}
        size = cells.sizes(row.get("size"))
    except ItemError as error:
        return refused(digest, error, about)
    draft = RowDraft(f"{vid}:{cells.spoken(start, end)}", digest, vid, end - start, fields=fields, order=(start, end))
    draft.stem = clip_stem(vid, start, end)
    if size is not None:
        fields["size"] = size
    try:
        uri, stat = videos.of(vid)
    except ItemError as error:
        draft.problem = (error.reason, error.what)
    else:
        draft.media, draft.group = media_of(uri, stat, source), uri
    return draft


class _Videos:
    """The files of videos, looked up once for each id."""

    def __init__(self, folder: MediaFolder, info: Mapping[str, Sequence[str]]) -> None:
        self._folder = folder
        self._info = info
        self._claims = Counter(claim for names in info.values() for claim in {stem(name) for name in names})
        self._known: dict[str, Found | tuple[str, str]] = {}

    def of(self, vid: str) -> Found:
        """Return the file of a video. Raises ItemError(`missing`, `ambiguous` or `bad_path`)."""
        if vid not in self._known:
            try:
                self._known[vid] = self._search(vid)
            except ItemError as error:
                self._known[vid] = (error.reason, error.what)
        known = self._known[vid]
        if isinstance(known[1], str):
            raise ItemError(known[0], known[1])
        return known[0], known[1]

    def _search(self, vid: str) -> Found:
        """Find a video by the file names in `info`; if none exists, by its id."""
        found, lost = {}, None
        for name in self._info.get(vid, ()):
            try:
                if self._claims[stem(name)] > 1:
                    raise ItemError(
                        ItemReason.AMBIGUOUS,
                        f"info gives the file {name!r} to {count_of(self._claims[stem(name)], 'video')}",
                    )
                uri, stat = self._folder.below(name) or self._folder.named(name)
                found[uri] = stat
            except ItemError as error:
                if error.reason == ItemReason.BAD_PATH:
                    raise
                lost = lost or error
        if len(found) > 1:
            raise ItemError(
                ItemReason.AMBIGUOUS,
                f"info names {count_of(len(found), 'file')} of the video {vid}: {', '.join(found)}",
            )
        if found:
            return found.popitem()
        try:
            return self._folder.of_video(vid)
        except ItemError as error:
            raise (lost if lost and error.reason == ItemReason.MISSING else error) from None

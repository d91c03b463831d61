"""`table`: lists the rows of a CSV, TSV, JSON, JSON lines or Parquet file."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from posixpath import basename, splitext
from typing import Any

from reelmill.contract.errors import ItemError, SpecError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import POSITION
from reelmill.contract.spec.sources.table import Columns, TableBlock
from reelmill_stages.file_names import clip_stem, safe_stem
from reelmill_stages.sources import Bucket, Listed
from reelmill_stages.sources.earlier_items import NOTHING, EarlierItems
from reelmill_stages.sources.files import media_of
from reelmill_stages.sources.listing.drafts import RowDraft, refused, row_digest
from reelmill_stages.sources.listing.settle import settled
from reelmill_stages.sources.objects.bucket import absolute
from reelmill_stages.sources.objects.folder import MediaFolder
from reelmill_stages.sources.tables import cells
from reelmill_stages.sources.tables.column_lookup import BadLine, KnownColumns, Row, as_row, cell
from reelmill_stages.sources.tables.formats import PLACE, SURPLUS, format_of, rows_of
from reelmill_stages.store.web.urls import file_path

_AHEAD = 64
"""Number of rows whose files are requested in advance."""
RESERVED = frozenset(
    (
        "key", "ordinal", POSITION, "group", "weight", "media", "outputs", "provenance",
        "vid", "text", "start", "end", "name",
    )
)  # fmt: skip
"""Fields of item rows, which cannot be used as names of additional columns."""


def check(block: TableBlock) -> None:
    """Raise SpecError for columns that cannot be combined, and for a file whose format cannot be determined."""
    _column_names(block.columns, absolute(block.uri))
    if not block.format:
        format_of(block.uri)


def list_items(block: TableBlock, bucket: Bucket, source: str, before: EarlierItems = NOTHING) -> Iterator[Listed]:
    """One item per row. With `start` and `end`, it is a clip to be cut, and its weight is its duration."""
    columns, uri = block.columns, absolute(block.uri)
    wanted = _column_names(columns, uri)
    folder = MediaFolder(bucket, block.base or uri.rpartition("/")[0] + "/")
    format_ = block.format or format_of(uri)

    def drafts() -> Iterator[RowDraft]:
        seen = KnownColumns()
        rows = rows_of(bucket.read(uri), uri, format_, seen, wanted, block.quoting)
        for row in _announced(rows, lambda row: _announce(row, columns, folder)):
            yield _draft(row, wanted, columns, folder, source)
        for name in wanted:
            seen.demand(f"{uri}:1", name, hint="set it in columns")

    return settled(drafts(), before)


def _announced(rows: Iterator[Any], expect: Callable[[Any], None]) -> Iterator[Any]:
    """Yield the rows; each is announced some rows before it is yielded."""
    waiting: deque[Any] = deque()
    for row in rows:
        expect(row)
        waiting.append(row)
        if len(waiting) > _AHEAD:
            yield waiting.popleft()
    yield from waiting


def _announce(row: object, columns: Columns, folder: MediaFolder) -> None:
    path = row.get(columns.path) if isinstance(row, Mapping) else None
    if isinstance(path, str):
        folder.expect(path)


def _column_names(columns: Columns, uri: str) -> list[str]:
    if (columns.start is None) != (columns.end is None):
        raise SpecError("start and end must be given together", where=uri, hint="set both in columns")
    for name in columns.keep:
        if name in RESERVED:
            raise SpecError(
                f"the column {name!r} cannot be kept under its name",
                where=uri,
                hint="rename it, because items already have a field of that name",
            )
    named = (columns.path, columns.text, columns.start, columns.end, columns.id, *columns.keep)
    return [name for name in dict.fromkeys(named) if name is not None]


def _draft(value: object, wanted: list[str], columns: Columns, folder: MediaFolder, source: str) -> RowDraft:
    digest, about = row_digest(_digested_values(value, wanted)), ""
    try:
        row = as_row(value)
        if isinstance(surplus := row.get(SURPLUS), list):  # JSON may have anything under this key
            raise ItemError(
                ItemReason.BAD_ROW, f"{len(surplus)} more cells than columns: is a text with commas unquoted?"
            )
        path = about = cells.path(row.get(columns.path))
        vid = cells.identifier(row.get(columns.id)) if columns.id else splitext(basename(file_path(path)))[0]
        fields = {"vid": vid} | _kept_fields(row, columns)
        if columns.text:
            fields["text"] = cells.caption(row.get(columns.text))
        identity = f"{path}:{vid}" if columns.id else path
        if columns.start and columns.end:
            start, end = cells.span(cell(row, columns.start), cell(row, columns.end))
            fields |= {"start": start, "end": end}
            draft = RowDraft(f"{identity}:{cells.spoken(start, end)}", digest, path, end - start, fields=fields)
            draft.order, draft.stem = (start, end), clip_stem(vid, start, end)
        else:
            draft = RowDraft(identity, digest, path, fields=fields, stem=safe_stem(vid))
    except ItemError as error:
        place = value.get(PLACE) if isinstance(value, Mapping) else None
        return refused(digest, ItemError(error.reason, f"{place}: {error.what}") if place else error, about)
    return with_media(draft, folder, path, source)


def _digested_values(value: object, wanted: list[str]) -> object:
    """Return what the digest of a row covers: not the line number, because rows above it may be added or removed."""
    if isinstance(value, Mapping):
        return [value.get(name) for name in (*wanted, SURPLUS)]
    return value.text if isinstance(value, BadLine) else value


def _kept_fields(row: Row, columns: Columns) -> dict[str, object]:
    return {name: cells.plain(row.get(name)) for name in columns.keep}


def with_media(draft: RowDraft, folder: MediaFolder, path: str, source: str, *, exact: bool = True) -> RowDraft:
    """Return the draft with its media, or the error of its path. Without a span, its weight is its size in bytes."""
    try:
        uri, stat = folder.at(path) if exact else folder.near(path)
    except ItemError as error:
        draft.problem = (error.reason, error.what)
        return draft
    draft.media, draft.group = media_of(uri, stat, source), uri
    draft.weight = draft.weight or float(stat.size)
    return draft

"""Pages of items, and single items: rows from the store, located by the index."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from reelmill.contract.errors import NotFound, ReelmillError, StoreDamaged
from reelmill.contract.records.rows import Item
from reelmill_stages.dashboard.errors import NoSuch, NotIndexed
from reelmill_stages.dashboard.index.conditions import ItemCondition, ItemOrder
from reelmill_stages.dashboard.index.cursor import fits
from reelmill_stages.dashboard.index.query import Place, Reader
from reelmill_stages.dashboard.index.values import values
from reelmill_stages.dashboard.views.files import files_of, problem_of
from reelmill_stages.dashboard.views.history import history
from reelmill_stages.dashboard.views.models import Count, FieldHistogram, Gallery, ItemField, ItemView, Tile
from reelmill_stages.dashboard.views.pipeline_catalog import DataSetPlace, PipelineCatalog
from reelmill_stages.media.timeline.item_span import known_span
from reelmill_stages.records.row_files import parse_row
from reelmill_stages.records.rows.item_lines import item_reader
from reelmill_stages.store import Store
from reelmill_stages.store.damage import address

PAGE = 48
"""Number of items on a page."""
MOST = 500
"""Maximum number of items in a response of the API."""
BINS = 32
_GAP = 1 << 18
"""Maximum distance in bytes of rows of one file that are read together."""
_MOST_AT_ONCE = 4 << 20
_THREADS = 8
_CAPTIONS = ("caption", "text", "transcript", "title", "label")
_TILE_TEXT = 280
"""Maximum number of characters of a caption in a gallery."""


def gallery(
    catalog: PipelineCatalog,
    at: DataSetPlace,
    where: Sequence[ItemCondition],
    order: ItemOrder,
    after: str,
    limit: int = PAGE,
) -> Gallery:
    """Return a page of items. Raises SpecError for an unknown field or an invalid cursor."""
    shown = [order.field, *(one.field for one in where)]
    with catalog.indexes.open(at.store, at.names, shown) as (reader, index):
        growing = index.is_growing
        places, following = reader.page(where, order, after, max(1, min(limit, MOST)))
        fields = [ItemField(name=each.name, numbers=each.numbers, texts=each.texts) for each in reader.fields()]
        read, problems = reader.items_read(), reader.problems()
    problems += [index.error] if index.error else []
    rows = items_at(at.store, places)
    wanted = [name for name in dict.fromkeys(shown) if name not in ("ordinal", "key")]
    return Gallery(
        tiles=[_tile(at, place, row, wanted) for place, row in zip(places, rows, strict=True)],
        next=following,
        fields=fields,
        segment=index.segment,
        items=index.total,
        read=read,
        is_reading=growing,
        problems=problems,
    )


def count(catalog: PipelineCatalog, at: DataSetPlace, where: Sequence[ItemCondition], most: int) -> Count:
    """Count the items under conditions, up to `most`."""
    with catalog.indexes.open(at.store, at.names, [one.field for one in where]) as (reader, index):
        gap = index.gap
        found = reader.count(where, most + 1)
        return Count(items=min(found, most), exact=found <= most and not gap and not reader.problems())


def histogram(catalog: PipelineCatalog, at: DataSetPlace, field: str) -> FieldHistogram:
    """Return the distribution of the numbers of a field. Raises SpecError for an unknown field."""
    with catalog.indexes.open(at.store, at.names, [field]) as (reader, _):
        edges, counts = reader.histogram(field, BINS)
    return FieldHistogram(field=field, edges=list(edges), counts=counts)


def item(catalog: PipelineCatalog, at: DataSetPlace, ordinal: int) -> Item:
    """Return one item. Raises NoSuch if it does not exist, NotIndexed if its row may not have been read yet, and
    StoreDamaged if its row cannot be read.
    """
    with catalog.indexes.open(at.store, at.names) as (reader, index):
        gap = index.gap
        place = reader.place(ordinal)
    if place is None and gap and ordinal >= 0 and fits(ordinal):
        raise NotIndexed(f"item {ordinal} is not in the index: {gap}", where=at.entry.name)
    if place is None:
        raise NoSuch(f"{at.entry.name} has no item {ordinal}", hint="begin at the gallery")
    (found,) = items_at(at.store, [place])
    if isinstance(found, ReelmillError):
        raise found
    return found


def item_view(catalog: PipelineCatalog, at: DataSetPlace, ordinal: int) -> ItemView:
    """Return one item with everything that is known about it. Raises as `item`."""
    found = item(catalog, at, ordinal)
    files = files_of(found)
    known = dict(values(found))
    texts = {name: value for name, value in _texts(found.fields).items() if value}
    events, unread = history(catalog, at, found)
    with catalog.indexes.open(at.store, at.names) as (reader, _):
        neighbours = [_neighbour(reader, ordinal, descending=True), _neighbour(reader, ordinal, descending=False)]
    return ItemView(
        stage=at.entry.name,
        ordinal=ordinal,
        key=found.key,
        group=found.group,
        text=_caption(found),
        texts=texts,
        values={name: value for name, value in known.items() if type(value) is not str},
        other={name: value for name, value in found.fields.items() if isinstance(value, list)},
        provenance=dict(found.provenance),
        files=[file.view(number, problem_of(at.media, file)) for number, file in enumerate(files)],
        shown=next((number for number, file in enumerate(files) if file.kind in ("video", "image", "audio")), None),
        span=[part.start, part.end] if (part := known_span(found)) else None,
        history=events,
        unread=unread,
        previous=neighbours[0],
        following=neighbours[1],
    )


def items_at(store: Store, places: Sequence[Place]) -> list[Item | ReelmillError]:
    """Return the items at some places, or the errors of those that cannot be read.

    Neighbours in one file are read together.
    """
    runs: list[list[Place]] = []
    for place in sorted(places, key=lambda each: (each.file, each.start)):
        last = runs[-1] if runs else None
        if (
            last
            and last[-1].file == place.file
            and place.start - last[-1].start - last[-1].size <= _GAP
            and place.start + place.size - last[0].start <= _MOST_AT_ONCE
        ):
            last.append(place)
        else:
            runs.append([place])
    found: dict[int, Item | ReelmillError] = {}
    if not store.remote or len(runs) < 2:
        for run in runs:
            found |= _read_run(store, run)
    else:
        with ThreadPoolExecutor(_THREADS) as pool:
            for items_of_run in pool.map(lambda run: _read_run(store, run), runs):
                found |= items_of_run
    return [found[place.ordinal] for place in places]


def _read_run(store: Store, run: Sequence[Place]) -> dict[int, Item | ReelmillError]:
    where = address(store, run[0].file)
    start = run[0].start
    try:
        data = store.read(run[0].file, start=start, length=run[-1].start + run[-1].size - start)
    except NotFound:
        gone = StoreDamaged("the file with this item's row no longer exists", where=where)
        return {place.ordinal: gone for place in run}
    except ReelmillError as error:
        return {place.ordinal: error for place in run}
    found: dict[int, Item | ReelmillError] = {}
    for place in run:
        line = data[place.start - start : place.start - start + place.size]
        try:
            row = parse_row(line, where, 0, item_reader(place.ordinal))
            found[place.ordinal] = (
                row if row.key == place.key else StoreDamaged("the file has another row at this place now", where=where)
            )
        except ReelmillError as error:
            found[place.ordinal] = error
    return found


def _tile(at: DataSetPlace, place: Place, row: Item | ReelmillError, wanted: Sequence[str]) -> Tile:
    if isinstance(row, ReelmillError):
        return Tile(
            ordinal=place.ordinal,
            key=place.key,
            text="",
            picture="none",
            plays=False,
            file=0,
            values={},
            problem=row.what,
        )
    files = files_of(row)
    number = next((number for number, file in enumerate(files) if file.has_frames), None)
    if number is None:
        number = next((number for number, file in enumerate(files) if file.kind == "image"), None)
    shown = None if number is None or problem_of(at.media, files[number]) else files[number]
    known = dict(values(row)) if wanted else {}
    return Tile(
        ordinal=place.ordinal,
        key=place.key,
        text=_caption(row)[:_TILE_TEXT],
        picture="none" if shown is None else "frame" if shown.has_frames else "image",
        plays=shown is not None and shown.kind == "video",
        file=number or 0,
        values={name: known[name] for name in wanted if name in known},
        problem="",
    )


def _caption(found: Item) -> str:
    """Return the text of an item that serves as its caption."""
    for name in _CAPTIONS:
        value = found.fields.get(name)
        if isinstance(value, str) and value:
            return value
    sentences = [value for value in found.fields.values() if isinstance(value, str) and " " in value]
    return max(sentences, key=len, default="")


def _texts(fields: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in fields.items():
        if isinstance(value, str):
            found[prefix + name] = value
        elif isinstance(value, dict) and not prefix:
            found |= _texts(value, f"{name}.")
    return found


def _neighbour(reader: Reader, ordinal: int, *, descending: bool) -> int | None:
    places, _ = reader.page([], ItemOrder("ordinal", descending), f"[{ordinal}, {ordinal}]", 1)
    return places[0].ordinal if places else None

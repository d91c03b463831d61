"""A desk to run the tar stages at, without a store: local files in, local folders out, shards cut by the real law."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from reelmill.contract.records.rows import Item, Media, Span
from reelmill.contract.records.segment import Counts
from reelmill.contract.spec.stages.pack import PackBlock
from reelmill_stages.runtime.open.sharding import ItemSequence, cut
from reelmill_stages.stage import Assembled, Done, Input, Kept, Result, Shard
from reelmill_stages.stages.pack.stage import PackStage
from worker_desk import Desk

ROOT = "samples/0123456789"
"""Key of the data set that the desk pretends to write."""


class Gathered:
    """A data set of items, as `present` sees it."""

    name = "samples"
    totals = Counts()
    uri = ""

    def __init__(self, items: Sequence[Item], scratch: Path, root: str = ROOT) -> None:
        self._items, self.scratch, self.root = items, scratch, root
        scratch.mkdir(parents=True, exist_ok=True)

    def items(self) -> Iterator[Item]:
        return iter(self._items)

    def fetch(self, key: str, digest: str = "") -> Path:
        raise NotImplementedError(key)


def video_item(
    path: Path, ordinal: int = 0, *, text: str = "", span: tuple[float, float] | None = None, **more
) -> Item:
    """An item of a source, as an adapter lists it."""
    media = Media(str(path), path.stat().st_size, source="raw", span=Span(*span) if span else None)
    return Item(f"clip {ordinal}", ordinal, f"video {ordinal}", 1.0, media, fields={"text": text, **more})


def processed(block: PackBlock, items: Iterable[Item], folder: Path, first: int = 0) -> list[tuple[Input, Result]]:
    """Every item through `process`, alone in its group."""
    stage = PackStage(block)
    inputs = [Input(item, first + place) for place, item in enumerate(items)]
    return [(one, *stage.process([one], Desk(folder / f"work-{one.number}"))) for one in inputs]


def stretches(total: int, shards: int, batch: int) -> list[tuple[int, int]]:
    """[first, end) of every shard, cut as the open step cuts."""
    row = ItemSequence()
    for _ in range(total):
        row.append(1.0, starts=True, is_bytes=False)
    return cut(row, shards, batch=batch)


def packed(
    block: PackBlock, items: Sequence[Item], folder: Path, *, shards: int = 1, segment: int = 1, first: int = 0
) -> list[Assembled]:
    """A whole pass into `folder`, which is then a data set: tars under `0001/`, views beside them."""
    results = processed(block, items, folder.parent / f"{folder.name}-work", first)
    made: list[Assembled] = []
    for index, (start, end) in enumerate(stretches(len(items), shards, block.batch)):
        made += assembled(block, results[start:end], folder, index, shards, first + start, segment)
    return made


def assembled(
    block: PackBlock,
    results: Sequence[tuple[Input, Result]],
    folder: Path,
    index: int = 0,
    of: int = 1,
    first: int = 0,
    segment: int = 1,
) -> list[Assembled]:
    """One shard through `assemble`. Payload is deleted as soon as the generator has taken it and yielded."""
    out = folder / f"{segment:04d}"
    out.mkdir(parents=True, exist_ok=True)
    taken: list[Path] = []

    def kept() -> Iterator[Kept]:
        for input_, result in results:
            if isinstance(result, Done):
                taken.extend(part.path for part in result.payload)
                yield Kept(input_, result)

    made = []
    for one in PackStage(block).assemble(kept(), Shard(index, of, first, len(results), segment, out)):
        for path in taken:
            path.unlink(missing_ok=True)
        taken.clear()
        made.append(one)
    return made


def tar_items(made: Iterable[Assembled], segment: int = 1, root: str = ROOT) -> list[Item]:
    """The items that a commit would make of assembled tars."""
    rows = itertools.count()
    return [
        Item(
            new.key,
            next(rows),
            new.group,
            new.weight,
            Media(f"{root}/{segment:04d}/{new.media}", one.file.path.stat().st_size, digest="sha256:0"),
            fields=new.fields,
        )
        for one in made
        for new in one.items
    ]


def presented(block: PackBlock, made: Sequence[Assembled], folder: Path) -> None:
    """Write the views of assembled tars into the data set's folder."""
    shown(block, tar_items(made), folder)


def shown(block: PackBlock, items: Sequence[Item], folder: Path) -> None:
    """The same for the items of tars, of any segments."""
    data = Gathered(items, folder.parent / f"{folder.name}-views")
    for file in PackStage(block).present(data, {}):
        path = folder / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.path.read_bytes())

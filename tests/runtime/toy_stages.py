"""Stages and a source for tests of the runtime: text files instead of videos, and lines that say what goes wrong.

A media file's lines are directives (see `obey`); anything else is content. Importable in worker processes.
"""

import itertools
import json
import os
import signal
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from reelmill.contract.errors import ItemError, SpecError
from reelmill.contract.records.rows import Media
from reelmill.contract.spec.block import SourceBlock, StageBlock
from reelmill.contract.spec.file import FileRef
from reelmill_stages.sources import Bucket, EarlierItems, Listed
from reelmill_stages.stage import (
    Assembled,
    DataSetReader,
    Done,
    Failed,
    File,
    Filtered,
    Input,
    Kept,
    NewItem,
    Result,
    Shard,
    Stage,
    Work,
)
from reelmill_stages.tar.payload_copies import link_or_copy
from reelmill_stages.weight import Weight

__reelmill__ = [
    "list_rows", "Upper", "Heavy", "Join", "OneKey", "Unmade", "Watching", "Lazy", "Named", "NamedTwice", "Halves",
    "Linked",
]  # fmt: skip

HELD: list[object] = []
"""What items left behind in this process."""


class ToyBlock(StageBlock):
    many: int = 1
    called: str = ""
    join: bool = False
    per_file: int = 5
    trace: str = ""
    file: FileRef | None = None
    change: str = ""
    """What another program does to the files of items called `changing`, in the middle of their processing."""

    @property
    def batch(self) -> int:
        return self.per_file if self.join else 1


class HeavyBlock(ToyBlock):
    heavy_views: ClassVar[bool] = True


class RowsBlock(SourceBlock):
    uri: str


def list_rows(block: RowsBlock, bucket: Bucket, source: str, before: EarlierItems) -> Iterator[Listed]:
    """Rows of a JSON lines file: key, file, and optional group, weight, fields, problem."""
    for line in bucket.read(block.uri).splitlines():
        row = json.loads(line)
        problem, media = row.get("problem"), None
        time.sleep(row.get("sleep", 0))
        if row.get("endless"):
            sum(itertools.repeat(0))  # never returns to Python, and no other thread runs
        if not problem:
            stat = bucket.stat(row["file"])
            if stat is None:
                problem = ("missing", row["file"])
            else:
                media = Media(row["file"], stat.size, stat.etag, source=source)
        yield Listed(
            row["key"],
            row.get("group", row["key"]),
            row.get("weight", 1.0),
            media,
            row.get("fields", {}),
            tuple(problem) if problem else None,
        )


list_rows.block_type = RowsBlock  # type: ignore[attr-defined]


class Upper(Stage):
    """Each input becomes `many` items with a file each: its content in upper case."""

    block_type = ToyBlock

    def process(self, group: Sequence[Input], work: Work) -> Sequence[Result]:
        self._trace(group)
        return [self._one(input_, work, grouped=len(group) > 1) for input_ in group]

    def present(self, data: DataSetReader, view: Mapping[str, Any]) -> Iterator[File]:
        path = data.scratch / "all.json"
        path.write_text(json.dumps({"view": view, "keys": [item.key for item in data.items()]}))
        yield from [File(view.get("file", "all.json"), path)] * view.get("times", 1)

    def forecast(self, items: int, weight: Weight) -> int | None:
        return items * 10

    def _one(self, input_: Input, work: Work, *, grouped: bool) -> Result:
        assert input_.item.media is not None
        text = work.fetch(input_.item.media).read_text()
        found = obey(text, grouped=grouped)
        if found:
            return found
        items = []
        for number in range(self.block.many):
            key = f"{input_.item.key}.{number}" if self.block.many > 1 else input_.item.key
            path = work.scratch / f"{input_.number}-{number}.txt"
            path.write_text(text.upper())
            file = File(f"out/{self.block.called or key}.txt", path)
            items.append(
                NewItem(key, input_.item.group, input_.item.weight, file.name, (file,), {"number": input_.number})
            )
        return Done(tuple(items), counters={"letters": len(text)})

    def _trace(self, group: Sequence[Input]) -> None:
        if self.block.trace:
            with Path(self.block.trace).open("a") as file:
                file.write(" ".join(one.item.key for one in group) + "\n")


class OneKey(Stage):
    """Each input is passed on under the same key, as code of a user's own may do in two passes."""

    block_type = ToyBlock

    def process(self, group: Sequence[Input], work: Work) -> Sequence[Result]:
        return [Done((NewItem("same", one.item.group, 1.0, one.item.media),)) for one in group]


class Heavy(Upper):
    block_type = HeavyBlock


class Join(Upper):
    """Joins the contents of `per_file` inputs into one file, which is an item."""

    spans = True

    def _one(self, input_: Input, work: Work, *, grouped: bool) -> Result:
        assert input_.item.media is not None
        text = work.fetch(input_.item.media).read_text()
        found = obey(text, grouped=grouped)
        if found:
            return found
        path = work.scratch / f"{input_.number}.txt"
        path.write_text(text)
        return Done(payload=(File("text", path),), counters={"joined": 1})

    def assemble(self, kept: Iterable[Kept], shard: Shard) -> Iterator[Assembled]:
        texts: dict[int, list[str]] = {}
        for one in kept:
            number = (one.input.number - shard.first_number) // self.block.per_file
            texts.setdefault(number, []).append(one.done.payload[0].path.read_text())
            for full in [other for other in texts if other < number]:
                yield self._file(shard, full, texts.pop(full), one.input.number - 1)
        for rest in list(texts):
            yield self._file(shard, rest, texts.pop(rest), None)

    def _file(self, shard: Shard, number: int, texts: list[str], through: int | None) -> Assembled:
        name = f"join-{shard.first_number + number * self.block.per_file:05d}.txt"
        path = shard.scratch / name
        path.write_text("\n".join(texts))
        item = NewItem(name, name, 1.0, name, fields={"texts": len(texts)})
        return Assembled(File(name, path), (item,), through)


def obey(text: str, *, grouped: bool) -> Result | None:
    for line in text.splitlines():
        match line.split():
            case ["slow", seconds]:
                time.sleep(float(seconds))
            case ["burn", seconds]:
                until = time.process_time() + float(seconds)
                while time.process_time() < until:
                    pass
            case ["fail", reason]:
                return Failed(reason, "as told")
            case ["itemerror", reason]:
                raise ItemError(reason, "as told")
            case ["filter", reason]:
                return Filtered(reason)
            case ["fail-if", path, reason] if Path(path).exists():
                return Failed(reason, "as told")
            case ["fail-env", name, reason] if os.environ.get(name):
                return Failed(reason, "as told")
            case ["kill"]:
                os.kill(os.getpid(), signal.SIGKILL)
            case ["abort-grouped"] if grouped:
                os.abort()
            case ["hang-grouped"] if grouped:
                time.sleep(3600)
            case ["abort"]:
                os.abort()
            case ["abort-if", path] if Path(path).exists():
                os.abort()
            case ["hang"]:
                time.sleep(3600)
            case ["raise", *words]:
                raise RuntimeError(" ".join(words))
            case ["wait-for", path]:
                while not Path(path).exists():
                    time.sleep(0.01)
            case ["memory"]:
                bytearray(1 << 60)
            case ["memory-if", path] if Path(path).exists():
                Path(path).unlink()
                bytearray(1 << 60)
            case ["files"]:
                HELD.extend(os.open(os.devnull, os.O_RDONLY) for _ in range(1 << 22))
            case ["hold-files", number]:
                HELD.extend(os.open(os.devnull, os.O_RDONLY) for _ in range(int(number)))
            case ["hold", size]:
                HELD.append(bytearray(int(size)))
            case ["eat", size]:
                bytearray(int(size))
            case ["keep", size]:
                kept = b"x" * int(size)
                time.sleep(30)
                del kept
    return None


class Unmade(Upper):
    """A stage whose package is missing where it runs."""

    def __init__(self, block: StageBlock) -> None:
        super().__init__(block)
        raise SpecError("the package 'nowhere' is not installed")


class Watching(Join):
    """Writes down how many payload files exist whenever a file has been taken."""

    def assemble(self, kept: Iterable[Kept], shard: Shard) -> Iterator[Assembled]:
        for assembled in super().assemble(kept, shard):
            yield assembled
            left = sum(1 for _ in shard.scratch.parent.glob("work-*/group-*/scratch/*.txt"))
            with Path(self.block.trace).open("a") as file:
                file.write(f"{left}\n")

    def _trace(self, group: Sequence[Input]) -> None:
        """The trace file is used otherwise."""


class Lazy(Join):
    """Looks at nothing."""

    def assemble(self, kept: Iterable[Kept], shard: Shard) -> Iterator[Assembled]:
        return iter(())


class Named(Join):
    """Writes a file for each input, whose name is the content of the input."""

    def assemble(self, kept: Iterable[Kept], shard: Shard) -> Iterator[Assembled]:
        for one in kept:
            name = one.done.payload[0].path.read_text()
            path = shard.scratch / f"{one.input.number}.txt"
            path.write_text(name)
            yield Assembled(File(name, path), (NewItem(one.input.item.key, name, 1.0, name),), counters={"named": 1})


class NamedTwice(Named):
    """The same, followed by a second file with the same inputs, whose name is twice the first one."""

    def assemble(self, kept: Iterable[Kept], shard: Shard) -> Iterator[Assembled]:
        for first in super().assemble(kept, shard):
            yield first
            path = first.file.path.with_suffix(".second")
            path.write_text("second")
            yield Assembled(File(first.file.name * 2, path), counters={"second": 1})


def change_file(path: Path, change: str) -> None:
    """Change a file as another program may do it at any time."""
    before = path.stat()
    match change:
        case "append":
            path.write_bytes(path.read_bytes() + b"more")
        case "truncate":
            os.truncate(path, before.st_size // 2)
        case "overwrite":
            path.write_bytes(b"x" * before.st_size)
        case "replace":
            other = path.with_suffix(".new")
            other.write_bytes(b"y" * before.st_size)
            other.replace(path)
        case "rename":
            path.rename(path.with_suffix(".moved"))
        case "delete":
            path.unlink()
    if path.exists():
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 10**9))


class Halves(Upper):
    """Reads the first half of a file, and then opens it again for the second one."""

    def _one(self, input_: Input, work: Work, *, grouped: bool) -> Result:
        assert input_.item.media is not None
        path = work.fetch(input_.item.media)
        half = input_.item.media.size // 2
        first = path.read_bytes()[:half]
        if input_.item.key == "changing":
            change_file(Path(input_.item.media.uri), self.block.change)
        joined = work.scratch / f"{input_.number}.txt"
        joined.write_bytes(first + path.read_bytes()[half:])
        file = File(f"out/{input_.item.key}.txt", joined)
        return Done((NewItem(input_.item.key, input_.item.group, 1.0, file.name, (file,)),))


class Linked(Join):
    """Payload is a hard link to the file of a source, which is changed while the payload is joined."""

    def _one(self, input_: Input, work: Work, *, grouped: bool) -> Result:
        assert input_.item.media is not None
        path = link_or_copy(work.fetch(input_.item.media), work.scratch / f"{input_.number}.txt")
        return Done(payload=(File("text", path),), counters={"joined": 1})

    def assemble(self, kept: Iterable[Kept], shard: Shard) -> Iterator[Assembled]:
        yield from super().assemble(self._changing(kept), shard)

    def _changing(self, kept: Iterable[Kept]) -> Iterator[Kept]:
        for one in kept:
            media = one.input.item.media
            if media and one.input.item.key == "changing":
                change_file(Path(media.uri), self.block.change)
            yield one

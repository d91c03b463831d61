"""A desk to run the `write` stage at, without a store: local files in, a folder out that is laid out as a data set."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pack.desk import ROOT, Gathered, stretches
from reelmill.contract.records.rows import Item, Media
from reelmill.contract.spec.stages.write import WriteBlock
from reelmill_stages.stage import Assembled, Done, Failed, Input, Kept, Result, Shard
from reelmill_stages.stages.write.stage import WriteStage
from reelmill_stages.store.digests import file_digest
from worker_desk import Desk


def item(path: Path, number: int = 0, **fields: Any) -> Item:
    """An item whose file a source listed."""
    media = Media(str(path), path.stat().st_size, source="raw")
    return Item(f"clip {number}", number, f"video {number}", 1.0, media, fields=fields)


def embedded(path: Path, number: int, vector: np.ndarray, folder: Path, **fields: Any) -> Item:
    """The item of an `embed` stage that made this vector of a video."""
    made = folder / f"{number}_embedding.npz"
    np.savez(made, embedding=vector)
    clip = item(path, number, **fields)
    assert clip.media
    media = Media(str(made), made.stat().st_size, digest=file_digest(made))
    return replace(clip, media=media, provenance={"source": clip.media.to_json(), "params": {}})


def block(format_: str = "parquet", **more: Any) -> WriteBlock:
    return WriteBlock.model_validate({"format": format_, **more})


class Written:
    """A data set of the `write` stage in a folder; every pass adds a segment and renews the views."""

    def __init__(self, block: WriteBlock, folder: Path) -> None:
        self.block = block
        self.folder = folder
        self.items: list[Item] = []
        self.failed: dict[str, Failed] = {}
        self._inputs = 0
        self._segments = 0

    def add(self, items: Sequence[Item], *, shards: int = 1) -> list[Assembled]:
        """A pass over these items."""
        self._segments += 1
        segment, first = self._segments, self._inputs
        self._inputs += len(items)
        work = self.folder.parent / f"{self.folder.name}-work" / str(segment)
        results = self._processed(items, work, first)
        out = self.folder / f"{segment:04d}"
        out.mkdir(parents=True)
        made = []
        for index, (start, end) in enumerate(stretches(len(items), shards, self.block.batch)):
            shard = Shard(index, shards, first + start, end - start, segment, out)
            made += self._assembled(results[start:end], shard)
        shutil.rmtree(work)
        self.items += [_committed(one, segment, number) for number, one in enumerate(made, len(self.items))]
        self._present()
        return made

    def _processed(self, items: Sequence[Item], work: Path, first: int) -> list[tuple[Input, Result]]:
        stage = WriteStage(self.block)
        results = []
        for number, one in enumerate(items, first):
            given = Input(one, number)
            (result,) = stage.process([given], Desk(work / str(number)))
            results.append((given, result))
            if isinstance(result, Failed):
                self.failed[one.key] = result
        return results

    def _assembled(self, results: Sequence[tuple[Input, Result]], shard: Shard) -> list[Assembled]:
        """Payload is deleted as soon as the file that contains it is yielded, and no later."""
        pulled: list[tuple[int, Done]] = []

        def kept() -> Iterator[Kept]:
            for given, result in results:
                if isinstance(result, Done):
                    pulled.append((given.number, result))
                    yield Kept(given, result)

        made = []
        for one in WriteStage(self.block).assemble(kept(), shard):
            made.append(one)
            while pulled and (one.through is None or pulled[0][0] <= one.through):
                for part in pulled.pop(0)[1].payload:
                    part.path.unlink()
        assert not pulled
        return made

    def _present(self) -> None:
        shutil.rmtree(views := self.folder.parent / f"{self.folder.name}-views", ignore_errors=True)
        data = _DataSet(self.items, views)
        data.uri = str(self.folder)
        for file in WriteStage(self.block).present(data, {}):
            path = self.folder / file.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.path.read_bytes())


class _DataSet(Gathered):
    def fetch(self, key: str, digest: str = "") -> Path:
        """A copy in the scratch folder, as of a bucket."""
        path = Path(self.uri) / key.removeprefix(f"{ROOT}/")
        assert file_digest(path) == digest
        return Path(shutil.copy(path, tempfile.mkdtemp(prefix="file-", dir=self.scratch)))


def _committed(made: Assembled, segment: int, ordinal: int) -> Item:
    """The item that a commit would make of a file."""
    (new,) = made.items
    size, digest = made.file.path.stat().st_size, file_digest(made.file.path)
    media = Media(f"{ROOT}/{segment:04d}/{new.media}", size, digest=digest)
    return Item(new.key, ordinal, new.group, new.weight, media, fields=new.fields)


def written(block: WriteBlock, items: Sequence[Item], folder: Path, *, shards: int = 1) -> Written:
    """A data set of one segment."""
    made = Written(block, folder)
    made.add(items, shards=shards)
    return made


def digests(folder: Path) -> Mapping[str, bytes]:
    """Path -> content of every file in a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

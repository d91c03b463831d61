"""Mouth crops as a source, and a stage without torch that makes files and lists as `embed` does.

Importable in worker processes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import toy_line as toy

from reelmill.contract.digest import fingerprint
from reelmill.contract.spec.block import StageBlock
from reelmill.contract.spec.sources.lips import LipsBlock
from reelmill.contract.task import Connection, SourceDef, StageDef, Upstream
from reelmill_stages.sources import Bucket, EarlierItems, Listed, lips
from reelmill_stages.stage import DataSetReader, Done, File, Input, NewItem, Result, Stage, Work
from reelmill_stages.stages.embed.lists import present_lists

__reelmill__ = ["list_as_before", "Embedded"]


def list_as_before(block: LipsBlock, bucket: Bucket, source: str, before: EarlierItems) -> Iterator[Listed]:
    """As version 0.1.0 listed crops: every item has its rows, and the sizes of the lists that it is in."""
    found = list(lips.list_items(block, bucket, source, before))
    sizes: dict[str, int] = {}
    for row in (row for one in found for row in one.rows):
        sizes[row["split"]] = max(sizes.get(row["split"], 0), row["row"] + 1)
    for one in found:
        rows = list(one.rows)
        told = {"lists": rows, "list_sizes": {row["split"]: sizes[row["split"]] for row in rows}}
        yield replace(one, rows=(), fields=one.fields if one.problem else {**one.fields, **told})


list_as_before.block_type = LipsBlock  # type: ignore[attr-defined]


class EmbeddedBlock(StageBlock):
    trace: str


class Embedded(Stage):
    """One file per crop, in the folders of the crops; each crop that is worked on is noted in a file."""

    block_type = EmbeddedBlock

    def process(self, group: Sequence[Input], work: Work) -> Sequence[Result]:
        return [self._one(given, work) for given in group]

    def present(self, data: DataSetReader, view: Mapping[str, Any]) -> Iterator[File]:
        return present_lists(data)

    def _one(self, given: Input, work: Work) -> Result:
        assert isinstance(self.block, EmbeddedBlock)
        item = given.item
        assert item.media is not None
        work.fetch(item.media)
        with Path(self.block.trace).open("a") as trace:
            trace.write(f"{item.key}\n")
        path = work.scratch / f"{given.number}.npz"
        path.write_text(item.key)
        file = File(f"{item.key.removesuffix('.npz')}_embedding.npz", path)
        provenance = {"source": item.media.to_json(), "from": dict(item.provenance)}
        fields = {**item.fields, "shape": [512, 50]}
        return Done((NewItem(item.key, item.group, 1.0, file.name, (file,), fields, provenance),))


@dataclass
class LipLine(toy.Line):
    """Source `raw` of crops below `root/lips`, and a stage `embedded`."""

    old: bool = False
    """The source is listed as version 0.1.0 did."""

    def source_def(self, name: str) -> SourceDef:
        folder = self.root / "lips"
        params: dict[str, object] = {"lists": str(folder / "lists"), "root": str(folder), "splits": []}
        type_ = "toy_lips:list_as_before" if self.old else "lips"
        key = fingerprint(["source", name])
        return SourceDef(name=name, key=key, type=type_, params=params, connection=Connection())

    def write_rows(self, source: str) -> None:
        """The lists lie in files of their own."""

    def embedded(self) -> StageDef:
        """Add the stage."""
        upstreams = (Upstream(name="raw", key=self.source.key),)
        params: dict[str, object] = {"trace": str(self.root / "trace")}
        stage = StageDef(
            name="embedded",
            key=fingerprint(["embedded"]),
            type="toy_lips:Embedded",
            data_version=1,
            params=params,
            definition={"type": "embedded"},
            upstreams=upstreams,
        )
        self.stages.append(stage)
        return stage

    @property
    def worked_on(self) -> list[str]:
        """Keys of all crops that were ever worked on, in order."""
        trace = self.root / "trace"
        return trace.read_text().split() if trace.exists() else []

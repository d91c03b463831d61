"""A pipeline in a folder, run the way a user runs it, and what its store then holds. Helpers of the tests in `e2e/`."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

import footage
from cli.terminal import Said, reelmill
from reelmill.contract.records.rows import Item, LedgerRow
from reelmill.contract.task import Connection, StoreRef
from reelmill_stages.records.data_set import DataSet, open_data_set
from reelmill_stages.store import Store
from reelmill_stages.store.open import open_store

CLIPS: dict[str, Any] = {"name": "clips", "clip": {"by": "metadata"}}
SAMPLES: dict[str, Any] = {"name": "samples", "frames": {"width": 32, "height": 16}}
SMALL = {"seconds": 2.0, "fps": 12, "size": (64, 48), "audio": False, "options": ("-g", "6")}


def film(**more: Any) -> Path:
    """A small video."""
    return footage.video(**{**SMALL, **more})


@dataclass
class Workshop:
    """A folder with `videos/`, `pipeline.yaml` and, if no other is named, the store."""

    folder: Path
    sources: list[dict[str, Any]] = field(default_factory=list)
    stages: list[dict[str, Any]] = field(default_factory=list)
    spec: dict[str, Any] = field(default_factory=dict)
    name: str = "shop"
    store_at: str = ""
    endpoint: str = ""
    conditions: dict[str, str] = field(default_factory=dict)
    """Of the last run: those that hold, and their messages."""

    @property
    def videos(self) -> Path:
        path = self.folder / "videos"
        path.mkdir(parents=True, exist_ok=True)
        return path

    @property
    def file(self) -> Path:
        """The pipeline, as it stands."""
        store = {"uri": self.store_at or str(self.folder / "store")}
        if self.endpoint:
            store["endpoint"] = self.endpoint
        body = {
            "apiVersion": "reelmill.dev/v1alpha1",
            "kind": "VideoPipeline",
            "metadata": {"name": self.name},
            "spec": {"store": store, "sources": self.sources, "stages": self.stages, **self.spec},
        }
        path = self.folder / f"{self.name}.yaml"
        path.write_text(yaml.safe_dump(body, sort_keys=False))
        return path

    @property
    def store(self) -> Store:
        connection = Connection(endpoint=self.endpoint)
        return open_store(
            StoreRef(uri=self.store_at or str(self.folder / "store"), connection=connection), env=os.environ
        )

    def film(self, *names: str, of: Path | None = None) -> None:
        """Put a video under these names."""
        for name in names:
            shutil.copyfile(of or film(), self.videos / name)

    def files(self, **block: Any) -> None:
        """All of `videos/` is the source."""
        self.sources = [{"name": "raw", "files": {"uri": f"{self.videos}/", **block}}]

    def clip4mc(self, rows: list[dict[str, Any]], info: Mapping[str, str] | None = None) -> None:
        """CLIP4MC metadata is the source; `info` leads from ids to file names."""
        path = self.folder / "dataset_train.json"
        path.write_text(json.dumps(rows))
        block = {"metadata": str(path), "videos": f"{self.videos}/"}
        if info is not None:
            lines = [f"https://www.youtube.com/watch?v={vid},{name}" for vid, name in info.items()]
            (self.folder / "info.csv").write_text("\n".join(["url,filename", *lines, ""]))
            block["info"] = str(self.folder / "info.csv")
        self.sources = [{"name": "raw", "clip4mc": block}]

    def tell(self, command: str, *arguments: object) -> Said:
        """A command on this pipeline."""
        return reelmill(command, self.file, *arguments)

    def ask(self, command: str, *arguments: object) -> Any:
        """What a command says as data; it must not fail."""
        said = self.tell(command, *arguments, "-o", "json")
        assert said.code == 0, said.err
        return json.loads(said.out)

    def run(self, code: int = 0) -> dict[str, dict[str, Any]]:
        """Run to the end; stage -> what its status says."""
        said = self.tell("run", "-q", "-o", "json")
        assert said.code == code, said.err
        status = json.loads(said.out)
        self.conditions = {
            condition["type"]: condition.get("message", "")
            for condition in status["conditions"]
            if condition["status"] == "True"
        }
        return {stage["name"]: stage for stage in status["stages"]}

    def start(self) -> subprocess.Popen[str]:
        """The same in a process group of its own, to be killed."""
        return subprocess.Popen(
            [sys.executable, "-m", "reelmill.cli", "run", "-q", str(self.file)],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    def data(self, name: str) -> DataSet:
        return open_data_set(self.store, name)

    def root(self, name: str) -> Path:
        """Where a data set lies, in a folder store."""
        return self.folder / "store" / self.data(name).root

    def items(self, name: str) -> dict[str, Item]:
        """Key -> item."""
        found = list(self.data(name).items())
        assert len({item.key for item in found}) == len(found)
        return {item.key: item for item in found}

    def ledger(self, name: str) -> dict[str, LedgerRow]:
        """Key -> effective row."""
        found = list(self.data(name).ledger())
        assert len({row.key for row in found}) == len(found)
        return {row.key: row for row in found}

    def failures(self, name: str) -> dict[str, str]:
        """Key -> class of what failed."""
        return {key: row.reason for key, row in self.ledger(name).items() if row.outcome == "failed"}

    def contents(self, name: str) -> dict[str, Any]:
        """Key -> what an item says and holds, whatever its place in the data set."""
        return {key: _comparable_item(item) for key, item in self.items(name).items()}

    def view(self, name: str, file: str) -> Any:
        """A file about the whole data set."""
        return json.loads(self.store.read(f"{self.data(name).root}/{file}"))


def balanced(shop: Workshop, *names: str) -> None:
    """The law: in = done + filtered + failed + skipped, and each input is accounted for once.

    A source has rows for what failed only: what is done is its items.
    """
    for name in names:
        data = shop.data(name)
        rows = Counter(str(row.outcome) for row in shop.ledger(name).values())
        if data.last and data.last.kind == "listing":
            rows["done"] = len(shop.items(name))
        totals = data.totals.model_dump(by_alias=True)
        assert totals == {
            "in": rows.total(),
            **{word: rows[word] for word in ("done", "filtered", "failed", "skipped")},
        }


def same_end(one: Workshop, other: Workshop, *names: str) -> None:
    """Two stores have the same: items, contents, effective rows, and every committed file is whole."""
    for name in names:
        balanced(one, name)
        assert one.contents(name) == other.contents(name)
        assert _rows(one.ledger(name).values()) == _rows(other.ledger(name).values())
        for file in one.data(name).files():
            assert one.store.stat(file.key).metadata["digest"] == file.digest


def _rows(rows: Iterable[LedgerRow]) -> set[tuple[str, str, str]]:
    return {(row.key, row.outcome, row.reason) for row in rows}


def _comparable_item(item: Item) -> Any:
    fields = {name: value for name, value in item.fields.items() if name not in PLACE}
    return fields, sorted((_nameless(output.key), output.size, output.digest) for output in item.outputs)


PLACE = frozenset({"sample", "position", "number", "ordinal"})
"""Fields that say where in the data set an item stands."""


def _nameless(key: str) -> str:
    """A file's name without its segment and number."""
    return re.sub(r"sample_\d+_", "sample_", key.split("/", 3)[-1])

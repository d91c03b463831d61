"""The recipe for making a sample again, as recorded in a lineage table."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from reelmill.contract.errors import SpecError
from reelmill.contract.records.rows import Item
from reelmill.contract.task import SourceDef, StageDef, Task
from reelmill.contract.text.redaction import REMOVED
from reelmill_stages.records.pins import Pin

E = TypeVar("E", SourceDef, StageDef)

TABLE = "lineage.parquet"
"""Name of the table in the folder of a card."""
_COLUMNS = ["item", "known", "outcome", "source", "source_row", "files", "steps", "first_number"]


@dataclass(slots=True)
class Recipe:
    """Everything needed to make a sample again."""

    task: Task
    """The sources and stages on the way, in order; the last stage contains the sample."""
    pins: dict[str, dict[str, Pin]]
    """Stage -> field -> the file used."""
    files: dict[str, str] = field(default_factory=dict)
    """Key of a file in the store -> digest."""
    sources: dict[str, dict[int, Item]] = field(default_factory=dict)
    """Source -> ordinal -> item."""
    needed: dict[str, set[str]] = field(default_factory=dict)
    """Source or stage -> keys of its items on the way."""
    first_number: int = 0
    """Number of the sample's first input in its stage, if it was made from numbered inputs."""
    versions: dict[str, str] = field(default_factory=dict)
    """Versions of the tools that made it."""


def read_recipe(card: Path, sample: str, own: Task | None) -> Recipe:
    """Read the recipe from the folder of a card, or from a lineage table. Raises SpecError.

    Parameters that are not in the table are taken from `own`, which has all stages of the pipeline.
    """
    if find_spec("pyarrow") is None:
        raise SpecError("Parquet needs the package pyarrow", hint="install reelmill-stages[parquet]")
    file = card / TABLE if card.is_dir() else card
    if not file.exists():
        raise SpecError(
            "no such file", where=str(file), hint="name the folder of a card, or a file that reelmill lineage wrote"
        )
    parquet: Any = import_module("pyarrow.parquet")
    problem = (OSError, ValueError, LookupError, TypeError, AttributeError, import_module("pyarrow").ArrowException)
    try:
        with parquet.ParquetFile(file) as table:
            about = json.loads((table.schema_arrow.metadata or {}).get(b"reelmill", b"{}"))
            if "task" not in about:
                raise SpecError(
                    "the table does not say how its items were made",
                    where=str(file),
                    hint="write it again with this version of reelmill: reelmill card, or reelmill lineage",
                )
            pins = {name: {at: Pin.model_validate(pin) for at, pin in of.items()} for name, of in about["pins"].items()}
            recipe = Recipe(_complete_task(Task.model_validate(about["task"]), own, file), pins)
            for row in _rows(table, sample):
                _add(recipe, row, sample)
    except problem as error:
        raise SpecError(
            f"not a table of lineage: {(str(error) or type(error).__name__).splitlines()[0]}",
            where=str(file),
            hint="name the folder of a card, or a file that reelmill lineage wrote",
        ) from error
    if not recipe.needed:
        raise SpecError(f"the table has no item {sample!r}", where=str(file), hint="its column `item` has their keys")
    if not recipe.files:
        raise SpecError(
            f"{sample!r} has no files of its own to compare",
            where=str(file),
            hint="write the card of the stage that made its file, and name the item of that stage",
        )
    return recipe


def _complete_task(task: Task, own: Task | None, file: Path) -> Task:
    """The task with all parameters; possible secrets, which are not published, are taken from `own`."""
    return task.replace(
        sources=tuple(_complete_entry(source, own.sources if own else None, file) for source in task.sources),
        stages=tuple(_complete_entry(stage, own.stages if own else None, file) for stage in task.stages),
    )


def _complete_entry(entry: E, own: Iterable[E] | None, file: Path) -> E:
    if REMOVED not in json.dumps(entry.params, ensure_ascii=False):
        return entry
    if own is None:
        raise SpecError(
            f"the table omits parameters of {entry.name}, which may be secret",
            where=str(file),
            hint="give the pipeline file, which has them: --pipeline FILE",
        )
    for one in own:
        if (one.name, one.key) == (entry.name, entry.key):
            return one
    raise SpecError(
        f"the pipeline defines {entry.name} in another way than the one that made the sample, whose key is {entry.key}",
        where=str(file),
        hint="give the pipeline file as it was then, and use the reelmill version of that time",
    )


def _rows(table: Any, sample: str) -> Iterator[dict[str, Any]]:
    compute: Any = import_module("pyarrow.compute")
    for batch in table.iter_batches(batch_size=8192, columns=_COLUMNS):
        yield from batch.filter(compute.equal(batch.column("item"), sample)).to_pylist()


def _add(recipe: Recipe, row: dict[str, Any], sample: str) -> None:
    if not row["known"] or row["source_row"] is None:
        raise SpecError(
            f"the table does not record what {sample!r} was made from",
            hint="an earlier version of reelmill wrote the data",
        )
    item = Item.from_json(json.loads(row["source_row"]))
    recipe.sources.setdefault(row["source"], {})[item.ordinal] = item
    recipe.files = {file["key"]: file["digest"] for file in row["files"]}
    recipe.first_number = row["first_number"] or 0
    for step in row["steps"]:
        recipe.needed.setdefault(step["stage"], set()).add(step["item"])
        recipe.versions |= dict(step["versions"] or ())

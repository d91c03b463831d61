"""Detection of damage in a pass that is not closed: a missing plan, and outputs that its outcomes name."""

from collections.abc import Iterator
from contextlib import suppress

from reelmill.contract.errors import NotFound, StoreDamaged
from reelmill.contract.records.layout import SegmentPaths
from reelmill.contract.records.segment import Object
from reelmill_stages.records import record_names
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.row_files import rows_file
from reelmill_stages.runtime.shards.outcomes import read_settled
from reelmill_stages.runtime.verify.damaged_object import DamagedObject
from reelmill_stages.runtime.verify.presence import is_there
from reelmill_stages.store.damage import address, gone

_PLAN = (
    "restore it from a backup, or delete everything else in the folder of this pass: none of it was committed, "
    "and the next run opens it again"
)


def open_pass_damage(data: DataSet, number: int) -> Iterator[DamagedObject]:
    """Damage of a pass that has work and no plan, if segment `number` is not closed."""
    paths = data.paths(number)
    begun = is_there(data.store, paths.heartbeat) or any(_settled(data, paths)) or any(data.store.list(paths.shards))
    if begun and not any(is_there(data.store, key) for key in (paths.pass_json, paths.segment_json)):
        yield DamagedObject(paths.pass_json, gone(address(data.store, paths.pass_json), _PLAN))


def promised_outputs(data: DataSet, number: int) -> Iterator[Object]:
    """The files that readable outcomes and checkpoints of an open pass name; the pass will contain them."""
    paths = data.paths(number)
    for key in _settled(data, paths):
        with suppress(NotFound, StoreDamaged), rows_file(data.store, key, "", data.scratch) as path:
            for settled in read_settled(path):
                for output in (output for item in settled.items for output in item.outputs):
                    yield Object(key=output.key, size=output.size, digest=output.digest)


def _settled(data: DataSet, paths: SegmentPaths) -> Iterator[str]:
    """Keys of outcomes and checkpoints."""
    for folder in ("outcomes", "checkpoints"):
        for stat in data.store.list(f"{paths.internal}/{folder}/"):
            if record_names.SETTLED.fullmatch(stat.key.removeprefix(f"{data.root}/")):
                yield stat.key

"""What differs from what was listed: changed and vanished items of a source, reported and never mixed in."""

from dataclasses import dataclass, field

from pydantic import Field

from reelmill.contract.layout import DataSetPaths
from reelmill.contract.model import Model
from reelmill_stages.records.records import dump, load
from reelmill_stages.store import Store

_LISTED = 10_000


class DriftRecord(Model):
    """`drift.json` of a source, as of its last listing. Counts are whole, the lists hold the first 10,000 keys."""

    changed: int
    vanished: int
    changed_keys: list[str] = Field(default_factory=list)
    vanished_keys: list[str] = Field(default_factory=list)


@dataclass(slots=True)
class Drift:
    """Keys of items that are not what they were."""

    changed: list[str] = field(default_factory=list)
    vanished: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.changed) + len(self.vanished)

    def write(self, store: Store, names: DataSetPaths) -> None:
        """Write `drift.json` where it differs; no file means that nothing ever drifted."""
        now = DriftRecord(
            changed=len(self.changed),
            vanished=len(self.vanished),
            changed_keys=self.changed[:_LISTED],
            vanished_keys=self.vanished[:_LISTED],
        )
        before = load(store, names.drift_json, DriftRecord)
        if now != (before or DriftRecord(changed=0, vanished=0)):
            store.write(names.drift_json, dump(now))

    @staticmethod
    def read(store: Store, names: DataSetPaths) -> int:
        """How many items had drifted at the last listing."""
        record = load(store, names.drift_json, DriftRecord)
        return record.changed + record.vanished if record else 0

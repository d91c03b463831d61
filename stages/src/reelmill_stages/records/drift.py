"""Drift: items of a source that changed or disappeared since they were listed; they are only reported."""

from dataclasses import dataclass, field

from pydantic import Field

from reelmill.contract.model import Model
from reelmill.contract.records.layout import DataSetPaths
from reelmill_stages.records.record_files import dump, load
from reelmill_stages.store import Store

_LISTED = 10_000


class DriftRecord(Model):
    """`drift.json` of a source, as of its last listing. The lists contain at most the first 10,000 keys."""

    changed: int
    vanished: int
    changed_keys: list[str] = Field(default_factory=list)
    vanished_keys: list[str] = Field(default_factory=list)


@dataclass(slots=True)
class Drift:
    """Keys of items that changed or disappeared."""

    changed: list[str] = field(default_factory=list)
    vanished: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.changed) + len(self.vanished)

    def write(self, store: Store, names: DataSetPaths) -> None:
        """Write `drift.json` if it differs. No file is written until there is drift."""
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
        """Number of drifted items at the last listing."""
        record = load(store, names.drift_json, DriftRecord)
        return record.changed + record.vanished if record else 0

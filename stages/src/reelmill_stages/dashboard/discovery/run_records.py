"""Records of the last surveys of a store, which name stages that have not started yet."""

from collections.abc import Mapping

from reelmill.contract.records.layout import RUNS
from reelmill.contract.records.run import RunRecord
from reelmill_stages.records.record_files import peek
from reelmill_stages.store import Store


class RunRecords:
    """Reads the records again only if they have changed. May be used by several threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[tuple[str, str], RunRecord | None] = {}

    def read(self) -> Mapping[str, RunRecord]:
        """Return the records by the uids of their pipelines. Damaged ones are left out.

        Raises StoreError and TransientError if the store cannot be read.
        """
        known = {}
        for stat in self._store.list(RUNS, follow_links=False):
            version = stat.key, stat.etag
            known[version] = self._known[version] if version in self._known else peek(self._store, stat.key, RunRecord)
        self._known = known
        return {record.task.owner.uid: record for record in known.values() if record}

"""Records of the last surveys of a store, which name stages that have not started yet."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from reelmill.contract.records.layout import RUNS
from reelmill.contract.records.run import RunRecord
from reelmill_stages.records.record_files import peek
from reelmill_stages.store import Store


class RunRecords:
    """Reads the records again only if they have changed. May be used by several threads."""

    def __init__(self, store: Store, threads: int) -> None:
        self._store, self._threads = store, threads
        self._known: dict[tuple[str, str], RunRecord | None] = {}

    def read(self) -> Mapping[str, RunRecord]:
        """Return the records by the uids of their pipelines. Damaged ones are left out.

        Raises StoreError and TransientError if the store cannot be read.
        """
        versions = [(stat.key, stat.etag) for stat in self._store.list(RUNS, follow_links=False)]
        with ThreadPoolExecutor(self._threads) as pool:
            self._known = known = dict(zip(versions, pool.map(self._record, versions), strict=True))
        return {record.task.owner.uid: record for record in known.values() if record}

    def _record(self, version: tuple[str, str]) -> RunRecord | None:
        """Return the record without the pipeline's document, which may be long; None if it is damaged."""
        if version in self._known:
            return self._known[version]
        record = peek(self._store, version[0], RunRecord)
        return record and record.replace(definition=record.definition.replace(document={}, text=""))

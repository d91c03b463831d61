"""The report that the last commit of a run wrote to the store, if there is one."""

from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.records.segment import StageRecord
from reelmill.contract.task import Task
from reelmill_stages.commands.entry import entries
from reelmill_stages.dashboard.errors import NoSuch
from reelmill_stages.records.record_files import load
from reelmill_stages.store import Stat, Store
from reelmill_stages.summary.consistent_cut import cut

FOLDER = "reports/"
"""Folder of reports below the records of the segment that ended the run."""
MOST_BYTES = 32 << 20


def find_report(store: Store, task: Task) -> Stat | None:
    """Find the report of the present state of a pipeline, or else the newest one beside its data sets.

    Some of the data sets may be shared with another pipeline. Raises ReelmillError if the store cannot be read.
    """
    found: list[Stat] = []
    for entry in entries(task):
        names = DataSetPaths(entry.name, entry.key)
        record = load(store, names.stage_json, StageRecord)
        if record is not None:
            folder = f"{names.segment(record.segment).internal}/{FOLDER}"
            listed = store.list(folder, follow_links=False)
            found += [stat for stat in listed if stat.key.endswith(".html") and stat.size <= MOST_BYTES and stat.etag]
    present = f"/{cut(store, task).state}.html" if len(found) > 1 else ""
    return max(found, key=lambda stat: (stat.key.endswith(present), stat.modified), default=None)


def read_report(store: Store, task: Task) -> bytes:
    """Return the content of the report. Raises NoSuch if there is none."""
    found = find_report(store, task)
    if found is None:
        raise NoSuch("no run of this pipeline has written a report", hint="create one with reelmill report")
    return store.read(found.key, if_match=found.etag)

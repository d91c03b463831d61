"""Deletion of objects that passes wrote and no segment names.

These are results of abandoned passes, of killed writers, and of dropped items. Whether they contain data of forgotten
items is unknown, and nothing reads them.
"""

from reelmill.contract.records.layout import INTERNAL
from reelmill.contract.records.segment import Segment, ShardCommit, Verdicts
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.owned import is_marked
from reelmill_stages.records.record_files import load, peek
from reelmill_stages.records.record_names import is_rows, record_model
from reelmill_stages.store import Store


def delete_unnamed(data: DataSet) -> None:
    """Delete them in all closed segments of a stage. Files without the mark of this data set are kept."""
    for number in range(1, (data.last.segment if data.last else 0) + 1):
        segment = load(data.store, data.paths(number).segment_json, Segment)
        if segment:
            _delete_in_segment(data, segment)


def _delete_in_segment(data: DataSet, segment: Segment) -> None:
    store, is_abandoned = data.store, segment.state == "abandoned"
    named: set[str] = set()
    for part in segment.parts:
        named |= {output.key for output in part.outputs}
        for item in data.part_items(part):
            named |= {output.key for output in item.outputs}
            named |= {item.media.uri} if item.media else set()
    for stat in list(store.list(f"{data.paths(segment.segment).root}/", follow_links=False)):
        name = stat.key.removeprefix(f"{data.root}/")
        if INTERNAL in name.split("/"):
            if is_abandoned and not stat.foreign and _is_result(store, stat.key, name):
                store.delete(stat.key)
        elif stat.key not in named and is_marked(store, stat, data.names.key):
            store.delete(stat.key)


def _is_result(store: Store, key: str, name: str) -> bool:
    model = record_model(name)
    return is_rows(name) or (model in (ShardCommit, Verdicts) and peek(store, key, model) is not None)

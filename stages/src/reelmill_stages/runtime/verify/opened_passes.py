"""The plans of all passes of a data set, closed or open."""

from collections.abc import Iterator
from itertools import count

from reelmill.contract.errors import StoreDamaged
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.records.segment import Pass
from reelmill_stages.records.record_files import load
from reelmill_stages.runtime.verify.presence import is_there
from reelmill_stages.store import Store


def opened_passes(store: Store, names: DataSetPaths) -> Iterator[Pass]:
    """The plans that can be read. An abandoned pass may never have been opened, and has none."""
    for number in count(1):
        paths = names.segment(number)
        try:
            opened = load(store, paths.pass_json, Pass)
        except StoreDamaged:
            opened = None
        if opened:
            yield opened
        elif not is_there(store, paths.segment_json):
            return

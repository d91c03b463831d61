"""Which report is that of a pipeline, if there are several beside its data sets."""

import os
from pathlib import Path

from dashboard.data_sets import Written
from reelmill.contract.task import Owner, StageDef, Step, StoreRef, Task
from reelmill_stages.dashboard.views.report import find_report, read_report
from reelmill_stages.summary.consistent_cut import cut


def test_the_report_of_the_present_state_wins_over_a_newer_one_of_another_pipeline(tmp_path: Path) -> None:
    stages = []
    for name in ("clips", "keep"):
        written = Written(tmp_path, name=name)
        written.segment([{"v": 1}])
        key = written.names.key
        stages.append(StageDef(name=name, key=key, type="clip", data_version=1, params={}, definition={}, upstreams=()))
    owner = Owner(namespace="a", name="b", uid="c")
    task = Task(step=Step.SURVEY, owner=owner, run=0, store=StoreRef(uri="x"), stages=tuple(stages))
    store = written.store
    assert find_report(store, task) is None
    own = written.names.segment(1).run_report(cut(store, task).state)
    other = Written(tmp_path, name="clips").names.segment(1).run_report("0123456789")
    store.write(other, b"other")
    assert read_report(store, task) == b"other"
    store.write(own, b"own")
    os.utime(tmp_path / "store" / own, (1e9, 1e9))
    assert read_report(store, task) == b"own"

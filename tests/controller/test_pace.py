"""The more pipelines are at work, the less often each is told about; what is decided is written at once in any case."""

from pathlib import Path
from typing import Any

from controller.worker_rig import PIPELINE, STATUS, Rig, rigged
from reelmill.controller.state.progress_rate import ProgressRate

PENDING = "2026-01-01T00:00:00Z"


def test_each_of_a_few_pipelines_is_reported_as_often_as_one_alone() -> None:
    pace = ProgressRate(told_a_second=20)
    for number in range(200):
        pace.mark(f"p{number}", at_work=True)
    assert pace.seconds(10) == 10


def test_reports_of_many_pipelines_share_one_rate() -> None:
    pace = ProgressRate(told_a_second=20)
    for number in range(1000):
        pace.mark(f"p{number}", at_work=True)
        pace.mark(f"p{number}", at_work=True)
    assert pace.seconds(10) == 1000 / 20
    for number in range(900):
        pace.mark(f"p{number}", at_work=False)
    assert pace.seconds(10) == 10


def paced(rig: Rig) -> Rig:
    """A worker that may tell of one pipeline every 50 seconds, with the survey's Job at work."""
    return Rig(rig.stub, rig.verbs, ProgressRate(told_a_second=1 / 50))


def survey(rig: Rig) -> dict[str, Any]:
    found: dict[str, Any] = rig.stub.objects[PIPELINE]["status"]["survey"]
    return found


def test_where_many_work_progress_is_written_late_and_decisions_at_once(tmp_path: Path) -> None:
    async def test(first: Rig) -> None:
        rig = paced(first)
        await rig.list()
        await rig.a_pass()
        assert rig.stub.writes()[0] == STATUS
        rig.job_is(active=1, startTime=PENDING)
        rig.wait(20)
        wake = await rig.a_pass()
        assert wake is not None
        assert wake <= 30
        assert not survey(rig).get("seen")
        rig.wait(30)
        await rig.a_pass()
        assert survey(rig)["seen"]
        rig.wait(1)
        failed = {"type": "Failed", "status": "True", "message": "x"}
        rig.job_is(startTime=PENDING, conditions=[failed])
        before = len(rig.stub.writes())
        await rig.a_pass()
        assert STATUS in rig.stub.writes()[before:]

    rigged(tmp_path, test)


def test_where_many_work_pods_that_do_not_start_are_looked_at_less_often(tmp_path: Path) -> None:
    async def test(first: Rig) -> None:
        rig = paced(first)
        await rig.list()
        await rig.a_pass()
        rig.job_is(active=1, startTime=PENDING)

        def looks() -> int:
            return sum("fieldSelector" in query for query in rig.stub.queries)

        for _ in range(4):
            rig.wait(10)
            await rig.a_pass()
        assert looks() == 0
        rig.wait(10)
        await rig.a_pass()
        assert looks() == 1

    rigged(tmp_path, test)

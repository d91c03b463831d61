"""A simulated cluster whose pods take time, for tests of spending."""

from datetime import timedelta
from typing import Any

from reelmill.contract.task import SurveyReport
from reelmill.plan import Plan
from reelmill.plan.snapshot import stamp
from simulated_cluster import SimulatedCluster, pipeline
from symbolic_stages import SymbolicStore

CLIPS: dict[str, Any] = {"name": "clips", "clip": {"by": "length"}, "shards": 4}
MINUTES = 60.0


def cluster(**spec: Any) -> SimulatedCluster:
    keys = [f"v{number}" for number in range(6)]
    store = SymbolicStore(bucket={"raw": keys})
    store.follows_up = False
    return SimulatedCluster(pipeline([CLIPS], **spec), store)


def seen(made: SimulatedCluster, name: str, *, active: int) -> Plan:
    """Set the number of pods of a Job, as Kubernetes reports it."""
    status = made.jobs[name]["status"]
    status.setdefault("startTime", stamp(made.now))
    status["active"] = active
    made.deliver_all()
    return made.reconcile()


def end(made: SimulatedCluster, name: str) -> None:
    while name in made.live():
        made.advance(name)
    seen(made, name, active=0)


def shards_begin(made: SimulatedCluster) -> str:
    """Run the survey and the open step, which take a minute each."""
    made.reconcile()
    for _ in range(2):
        name = made.created[-1]
        seen(made, name, active=1)
        made.now += timedelta(seconds=MINUTES)
        end(made, name)
    return made.created[-1]


def end_with(made: SimulatedCluster, name: str, report: SurveyReport) -> None:
    while name in made.live():
        made.advance(name)
    made.reports[name] = report.model_dump_json(by_alias=True)
    seen(made, name, active=0)

"""What a watch event leads to: nothing, a pass at once, or one when more has come together."""

from typing import Any

import pytest

from reelmill.controller.state.cache import Cache
from reelmill.controller.state.queue import Priority
from reelmill.controller.watch.intake import Intake

Json = dict[str, Any]
DONE = {"type": "Complete", "status": "True"}


class Heard:
    """An intake that has seen a pipeline and its Job, and what it asked for since."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        cache = Cache()
        self._intake = Intake(
            cache,
            lambda key, priority: self.asked.append((key, priority)),
            lambda key: self.asked.append((key, "later")),
        )
        self.version = 0
        self.pipeline()
        self.job()
        self.asked.clear()

    def pipeline(self, **changed: Any) -> None:
        self._take("pipeline", {"kind": "VideoPipeline", "spec": {}, "status": {"run": 1}, **changed})

    def job(self, spec: Json | None = None, name: str = "j", **status: Any) -> None:
        self._take("job", {"spec": {"suspend": False, **(spec or {})}, "status": status}, name)

    def gone(self) -> None:
        self._take("job", {"spec": {}, "status": {}}, "j", "DELETED")

    def _take(self, kind: Any, seen: Json, uid: str = "u", type_: str = "MODIFIED") -> None:
        self.version += 1
        owner = {"kind": "VideoPipeline", "name": "demo", "uid": "u", "controller": True}
        metadata: Json = {"name": "demo", "namespace": "team", "uid": uid}
        if kind == "job":
            metadata["ownerReferences"] = [owner]
        metadata |= {"resourceVersion": str(self.version), "managedFields": [self.version]}
        self._intake.take(kind, type_, {"metadata": metadata, **seen})


AT_ONCE, LATER = ("team/demo", Priority.CHANGE), ("team/demo", "later")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({}, []),
        ({"uncountedTerminatedPods": {"succeeded": ["p"]}, "terminating": 1}, []),
        ({"conditions": [{"type": "SuccessCriteriaMet", "status": "True"}]}, []),
        ({"active": 1, "startTime": "2026-01-01T00:00:00Z"}, [LATER]),
        ({"active": 1, "ready": 1, "completedIndexes": "0-3"}, [LATER]),
        ({"active": 1, "ready": 0, "failedIndexes": ""}, [LATER]),
        ({"active": 1, "failedIndexes": "2"}, [AT_ONCE]),
        ({"completedIndexes": "0", "conditions": [DONE]}, [AT_ONCE]),
    ],
)
def test_a_change_of_a_jobs_status(status: Json, expected: list[object]) -> None:
    heard = Heard()
    heard.job(**status)
    assert heard.asked == expected


def test_a_job_that_is_suspended_by_somebody_else_is_looked_at_at_once() -> None:
    heard = Heard()
    heard.job({"suspend": True})
    assert heard.asked == [AT_ONCE]


def test_a_version_without_a_change_leads_to_nothing() -> None:
    heard = Heard()
    heard.pipeline()
    heard.job()
    assert heard.asked == []


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"spec": {"suspend": True}}, AT_ONCE),
        ({"spec": {"suspend": True}, "status": {"run": 2}}, AT_ONCE),
        # The operator writes it, and a watch may be faster than the answer.
        ({"status": {"run": 2}}, LATER),
        ({"status": {}}, LATER),
    ],
)
def test_a_change_of_a_pipeline(changed: Json, expected: object) -> None:
    heard = Heard()
    heard.pipeline(**changed)
    assert heard.asked == [expected]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({}, LATER),
        ({"active": 1, "startTime": "2026-01-01T00:00:00Z"}, LATER),
        ({"completedIndexes": "0", "conditions": [DONE]}, AT_ONCE),
    ],
)
def test_a_job_that_the_watch_tells_first(status: Json, expected: object) -> None:
    heard = Heard()
    heard.job(name="other", **status)
    assert heard.asked == [expected]


def test_a_job_that_is_gone_is_missed_at_once() -> None:
    heard = Heard()
    heard.gone()
    assert heard.asked == [AT_ONCE]

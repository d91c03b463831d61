"""A budget is no part of a key; raising it takes up what it stopped, once."""

import pytest

from reelmill.contract.spec.pipeline import Spec
from reelmill.plan.definition.graph import resolve
from reelmill.plan.definition.keys import keys
from reelmill.plan.passes.retry import classes_within_budget, failing, recoverable_classes

STOPPED = {"skipped:budget": 7}


@pytest.mark.parametrize(
    ("budget", "reasons", "counters", "classes"),
    [
        (("tokens", 600), STOPPED, {"tokens": 600}, []),
        (("tokens", 600), STOPPED, {"tokens": 640}, []),
        (("tokens", 700), STOPPED, {"tokens": 640}, ["budget"]),
        (None, STOPPED, {"tokens": 640}, ["budget"]),
        (("tokens", 700), {}, {"tokens": 640}, []),
        (("tokens", 700), {"failed:budget": 1}, {"tokens": 640}, []),
        # A report without counters starts nothing: what was spent is unknown.
        (("tokens", 700), STOPPED, {}, []),
    ],
)
def test_a_retry_begins_only_below_the_limit(
    budget: tuple[str, int] | None, reasons: dict[str, int], counters: dict[str, int], classes: list[str]
) -> None:
    assert classes_within_budget(budget, reasons, counters) == classes


def test_a_retry_may_name_a_class_of_skipped_items() -> None:
    assert failing(STOPPED, 0, ["budget"])
    assert not failing(STOPPED, 0, [])
    assert not failing(STOPPED, 0, ["server_failed"])


def test_an_edit_of_the_server_or_the_budget_changes_no_key_but_begins_a_run() -> None:
    def made(**caption: object) -> Spec:
        stage = {"name": "captions", "caption": {"server": {"url": "http://models/v1"}, "model": "m", **caption}}
        source = {"name": "raw", "files": {"uri": "s3://in/"}}
        return Spec.model_validate({"store": {"uri": "s3://out"}, "sources": [source], "stages": [stage]})

    before = keys(made(), resolve(made()))
    for edit in ({"server": {"url": "http://other/v1"}}, {"limits": {"tokens": 9}}, {"concurrency": 2}):
        after = keys(made(**edit), resolve(made(**edit)))
        assert after.keys == before.keys
        assert after.definition != before.definition
    assert keys(made(prompt="What?"), resolve(made(prompt="What?"))).keys != before.keys


def test_withdrawn_inputs_are_taken_up_by_the_next_run() -> None:
    assert recoverable_classes(None, {"skipped:withdrawn": 3}, {}) == ["withdrawn"]
    assert recoverable_classes(None, {"skipped:cap": 3}, {}) == []

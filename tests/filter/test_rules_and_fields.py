"""What `filter` may read: fields that an input gives, and what it passes on to the stages after it."""

from typing import Any

import pytest

from reelmill.contract.spec.pipeline import Spec
from reelmill.plan.definition.graph import SpecErrors, resolve

TABLE = {"name": "raw", "table": {"uri": "s3://in/a.csv", "columns": {"text": "caption", "keep": ["luma"]}}}
FILES = {"name": "raw", "files": {"uri": "s3://in/"}}
CLIPS = {"name": "clips", "clip": {"by": "length"}}


def spec(source: dict[str, Any], *stages: dict[str, Any]) -> Spec:
    return Spec.model_validate({"store": {"uri": "s3://out/x"}, "sources": [source], "stages": list(stages)})


def keep(*fields: str, name: str = "keep", **more: Any) -> dict[str, Any]:
    rules = [{"name": f"r{number}", "field": field, "min": 1} for number, field in enumerate(fields)]
    return {"name": name, "filter": {"rules": rules}, **more}


@pytest.mark.parametrize("field", ["luma", "text", "duration", "start", "vid", "weight", "media.size", "group", "key"])
def test_a_rule_may_name_what_any_stage_before_gives(field: str) -> None:
    resolve(spec(TABLE, CLIPS, keep("duration"), keep(field, name="again")))


def test_006_f05_a_rule_on_a_field_that_nothing_gives_is_refused_with_the_fields_that_there_are() -> None:
    with pytest.raises(SpecErrors) as caught:
        resolve(spec(TABLE, CLIPS, keep("duration", "lume")))
    (error,) = caught.value.errors
    assert (error.what, error.where) == (
        "no item that the stage reads has the field 'lume'",
        "spec.stages[1].filter.rules[1].field",
    )
    assert "did you mean 'luma'?" in str(error.hint)
    for name in ("luma", "text", "vid", "duration", "media.size", "weight"):
        assert name in str(error.hint)


def test_a_field_of_one_of_several_inputs_may_be_named() -> None:
    other = {"name": "more", "files": {"uri": "s3://in/more/"}}
    body = {
        "store": {"uri": "s3://out/x"},
        "sources": [TABLE, other],
        "stages": [keep("luma", **{"from": ["raw", "more"]})],
    }
    resolve(Spec.model_validate(body))


def test_after_a_stage_that_cannot_tell_its_fields_any_may_be_named() -> None:
    resolve(spec(FILES, {"name": "own", "run": {"entrypoint": "mine:Stage"}}, keep("measures.anything")))


def test_what_follows_a_filter_reads_what_the_filter_reads() -> None:
    resolve(spec(FILES, CLIPS, keep("duration"), {"name": "tars", "pack": {}}))
    again = {"name": "again", "clip": {"by": "length"}}
    of_tars = spec(FILES, CLIPS, {"name": "tars", "pack": {}}, keep("weight"), again)
    with pytest.raises(SpecErrors, match="reads videos"):
        resolve(of_tars)
    virtual = {"name": "clips", "clip": {"by": "length", "mode": "virtual"}}
    of_spans = spec(FILES, virtual, keep("duration"), keep("start", name="more"), {"name": "tars", "pack": {}})
    with pytest.raises(SpecErrors, match="only records spans"):
        resolve(of_spans)

"""The trace of a run from its steps: a tree whatever the steps are, the same for whoever tells it, without secrets."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reelmill.contract.process.trace_context import ENV, TraceContext, job_context, traced
from reelmill.plan.jobs.build import ATTEMPT, PIPELINE, SEGMENT, STAGE, STEP, in_trace
from reelmill.plan.jobs.pod import CONTAINER
from reelmill.tracing.run_trace import RunTrace, trace_of
from reelmill.tracing.spans import StepRun, TraceSpan, of_job
from tracing.received import Received, problems

IDS = st.text("0123456789abcdef", min_size=32, max_size=32).filter(lambda text: text.strip("0"))


def job(stage: str, step: str, segment: int, completions: int = 1, **status: Any) -> dict[str, Any]:
    labels = {PIPELINE: "films", STEP: step, ATTEMPT: "1"} | ({STAGE: stage, SEGMENT: str(segment)} if stage else {})
    container = {"name": CONTAINER, "env": [{"name": "REELMILL_TASK", "value": "{}"}]}
    return {
        "metadata": {"name": f"films-{stage}-{step}-{segment}", "namespace": "video", "labels": labels},
        "spec": {"completions": completions, "template": {"spec": {"containers": [container]}}},
        "status": status,
    }


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["", "clips", "samples"]),
        st.sampled_from(["survey", "open", "shards", "commit"]),
        st.integers(1, 3),
        st.none() | st.integers(0, 3),
        st.integers(0, 100),
        st.integers(0, 100),
    ),
    max_size=12,
)


@given(STEPS)
def test_any_steps_make_a_tree(steps: list[tuple[str, str, int, int | None, int, int]]) -> None:
    spans: list[TraceSpan] = []
    trace = RunTrace("video", "films", spans.append)
    for stage, step, segment, shard, start, length in steps:
        trace.step(StepRun(job(stage, step, segment, 4), start, start + length, shard=shard))
    trace.finish()
    found = [Received(one.name, one.trace_id, one.span_id, one.parent_id, one.start, one.end) for one in spans]
    assert problems(found) == []
    assert bool(found) == bool(steps)


@given(IDS, st.text("0123456789abcdef", min_size=16, max_size=16))
def test_a_context_is_read_as_it_was_written(trace_id: str, span_id: str) -> None:
    context = TraceContext(trace_id, span_id)
    assert TraceContext.read({ENV: str(context)}) == context
    assert traced({ENV: str(context)}) == {"trace_id": trace_id, "span_id": span_id}


@given(st.text(max_size=60))
def test_any_other_text_is_no_context(text: str) -> None:
    assert TraceContext.read({ENV: text}) is None or text.count("-") == 3
    assert traced({}) == {}


@given(IDS)
def test_a_job_knows_its_trace_and_its_pods_its_span(trace_id: str) -> None:
    given_ = job("clips", "shards", 1)
    made = in_trace(given_, trace_id)
    (container,) = made["spec"]["template"]["spec"]["containers"]
    assert trace_of(made) == trace_id
    assert trace_of(given_) == ""
    assert container["env"][-1] == {"name": ENV, "value": str(job_context(trace_id, made["metadata"]["name"]))}
    assert len(given_["spec"]["template"]["spec"]["containers"][0]["env"]) == 1


def test_a_finished_job_is_a_step_with_its_reason_and_without_credentials() -> None:
    condition = {
        "type": "Failed", "status": "True", "reason": "PodFailurePolicy", "lastTransitionTime": "2026-01-01T00:01:00Z",
        "message": "s3://key:hunter2@host/bucket refused",
    }  # fmt: skip
    failed = job("clips", "shards", 1, 4, startTime="2026-01-01T00:00:00Z", conditions=[condition])
    step = of_job(failed)
    assert step is not None
    assert (step.end - step.start, step.title) == (60 * 10**9, "clips shards")
    spans: list[TraceSpan] = []
    trace = RunTrace("video", "films", spans.append)
    trace.step(step)
    trace.step(step)
    (told,) = spans
    assert told.error.startswith("PodFailurePolicy: ")
    assert "hunter2" not in told.error
    assert told.attributes["reelmill.dev/shards"] == 4
    assert of_job(job("clips", "shards", 1, startTime="2026-01-01T00:00:00Z")) is None
    assert of_job(job("", "survey", 1)) is None

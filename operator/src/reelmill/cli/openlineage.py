"""OpenLineage events of a run on this machine."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from reelmill.cli.display.progress import Lines
from reelmill.contract.spec.pipeline import VideoPipeline
from reelmill.local.lineage import LineageObserver
from reelmill.local.observer import Observer
from reelmill.openlineage.emitter import API_KEY, LineageEmitter

TARGET, NAMESPACE = "REELMILL_OPENLINEAGE", "REELMILL_OPENLINEAGE_NAMESPACE"
"""Environment variables, here as for an operator."""


@contextmanager
def lineage(
    pipeline: VideoPipeline, observer: Lines, target: str, environment: Mapping[str, str]
) -> Iterator[Observer]:
    """An observer that also sends events, if there is a target: the option, or the variable. Raises SpecError."""
    target = target or environment.get(TARGET, "")
    if not target:
        yield observer
        return
    emitter = LineageEmitter(
        target,
        namespace=environment.get(NAMESPACE) or "reelmill",
        api_key=environment.get(API_KEY, ""),
        say=lambda message: observer.tell("warning", message),
    )
    watching = LineageObserver(observer, emitter, pipeline)
    try:
        yield watching
    finally:
        watching.stopped()
        emitter.close()

"""OpenLineage events of a run on this machine."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from reelmill.cli.display.progress import Lines
from reelmill.contract.errors import SpecError
from reelmill.contract.spec.pipeline import VideoPipeline
from reelmill.local.lineage import LineageObserver
from reelmill.local.observer import Observer
from reelmill.openlineage.emitter import API_KEY, LineageEmitter

TARGET, NAMESPACE = "REELMILL_OPENLINEAGE", "REELMILL_OPENLINEAGE_NAMESPACE"
"""Environment variables, as for the operator."""


@contextmanager
def lineage(
    pipeline: VideoPipeline, observer: Lines, target: str, environment: Mapping[str, str]
) -> Iterator[Observer]:
    """An observer that also sends events, if there is a target: the option, or the variable.

    Raises SpecError for an invalid option. An invalid variable is reported, and the run continues without events.
    """
    option, target = bool(target), target or environment.get(TARGET, "")
    try:
        emitter = _emitter_for(target, observer, environment) if target else None
    except SpecError as error:
        if option:
            raise
        observer.tell("warning", f"no OpenLineage events are sent: {error}; {error.hint}")
        emitter = None
    if emitter is None:
        yield observer
        return
    watching = LineageObserver(observer, emitter, pipeline)
    try:
        yield watching
    finally:
        watching.stopped()
        emitter.close()


def _emitter_for(target: str, observer: Lines, environment: Mapping[str, str]) -> LineageEmitter:
    return LineageEmitter(
        target,
        namespace=environment.get(NAMESPACE) or "reelmill",
        api_key=environment.get(API_KEY, ""),
        say=lambda message: observer.tell("warning", message),
    )

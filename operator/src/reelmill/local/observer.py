"""The interface for observers of a local run, such as a progress display."""

from collections.abc import Mapping
from typing import Any, Protocol

from reelmill.contract.status import Status
from reelmill.plan import Event


class Observer(Protocol):
    """Receives the progress of a run. All calls come from the thread that called `run`, in order."""

    def status(self, status: Status) -> None:
        """The status changed."""
        ...

    def progress(self, stage: str, fields: Mapping[str, Any]) -> None:
        """A shard reported its progress.

        Fields: `segment`, `shard`, `in`, `done`, `filtered`, `failed`, `skipped`, `seconds`; counts are those of the
        shard so far.
        """
        ...

    def log(self, record: Mapping[str, Any]) -> None:
        """A step logged a record; `job` and `index` are added. A line that is not JSON becomes `msg`."""
        ...

    def event(self, event: Event) -> None:
        """The planner emitted an event."""
        ...


class QuietObserver:
    """An observer that ignores everything."""

    def status(self, status: Status) -> None:
        pass

    def progress(self, stage: str, fields: Mapping[str, Any]) -> None:
        pass

    def log(self, record: Mapping[str, Any]) -> None:
        pass

    def event(self, event: Event) -> None:
        pass

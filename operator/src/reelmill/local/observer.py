"""Who is told what happens during a run: a terminal, a test."""

from collections.abc import Mapping
from typing import Any, Protocol

from reelmill.contract.status import Status
from reelmill.plan import Event


class Observer(Protocol):
    """All calls come from the thread that called `run`, in order."""

    def status(self, status: Status) -> None:
        """The status changed."""
        ...

    def progress(self, stage: str, fields: Mapping[str, Any]) -> None:
        """A shard's process says how far it is.

        Fields: `segment`, `shard`, `in`, `done`, `filtered`, `failed`, `skipped`, `seconds`; counts are of that shard,
        up to now.
        """
        ...

    def log(self, record: Mapping[str, Any]) -> None:
        """A line that a step's process logged, with `job` and `index` added. Text that is no JSON comes as `msg`."""
        ...

    def event(self, event: Event) -> None:
        """Something worth telling once."""
        ...


class QuietObserver:
    """An observer that looks away."""

    def status(self, status: Status) -> None:
        pass

    def progress(self, stage: str, fields: Mapping[str, Any]) -> None:
        pass

    def log(self, record: Mapping[str, Any]) -> None:
        pass

    def event(self, event: Event) -> None:
        pass

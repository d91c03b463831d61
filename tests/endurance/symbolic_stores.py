"""Symbolic stores behind one kubelet: each pipeline's steps use the store named in their task."""

import threading
from dataclasses import dataclass, field

from reelmill.contract.task import Task
from symbolic_stages import Result, SymbolicStore


@dataclass
class SymbolicStores(SymbolicStore):
    """Stores by URI."""

    stores: dict[str, SymbolicStore] = field(default_factory=dict)
    executed: int = 0
    """Number of executed steps."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def at(self, uri: str) -> SymbolicStore:
        """The store with this URI, created at the first call."""
        with self._lock:
            return self.stores.setdefault(uri, SymbolicStore())

    def execute(self, task: Task, index: int, follow_up: str = "") -> Result:
        self.executed += 1
        return self.at(task.store.uri).execute(task, index, follow_up)

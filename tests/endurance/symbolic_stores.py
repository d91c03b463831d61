"""Many symbolic stores behind one kubelet: each pipeline's steps work on the store that its task names."""

import threading
from dataclasses import dataclass, field

from reelmill.contract.task import Task
from symbolic_stages import Result, SymbolicStore


@dataclass
class SymbolicStores(SymbolicStore):
    """Stores by URI."""

    stores: dict[str, SymbolicStore] = field(default_factory=dict)
    executed: int = 0
    """Steps that ran."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def at(self, uri: str) -> SymbolicStore:
        """The store of this URI, which is made at the first call."""
        with self._lock:
            return self.stores.setdefault(uri, SymbolicStore())

    def execute(self, task: Task, index: int) -> Result:
        self.executed += 1
        return self.at(task.store.uri).execute(task, index)

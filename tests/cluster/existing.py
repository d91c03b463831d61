"""An existing cluster, named by REELMILL_KUBECONFIG, which tests use without touching its programs."""

from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

import pytest

from cluster.client import Client


class Existing:
    """Replacement for a `ControlPlane` and a `Cluster`; tests that need access to programs or nodes are skipped."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig

    @cached_property
    def client(self) -> Client:
        return Client(self.kubeconfig)

    @property
    def plane(self) -> "Existing":
        return self

    def __getattr__(self, name: str) -> Any:
        def skip(*_: Any, **__: Any) -> NoReturn:
            pytest.skip(f"`{name}` needs a cluster of the suite's own, and REELMILL_KUBECONFIG names another")

        if name.startswith("_"):
            raise AttributeError(name)
        return skip() if name in ("box", "nodes", "host_address", "folder") else skip

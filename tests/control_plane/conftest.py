"""Fixtures of the operator's tests: a namespace with a symbolic kubelet, the definition, and the operator's account."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.control_plane import ControlPlane
from control_plane.operators import account
from control_plane.pipelines import Desk, holds
from control_plane.symbolic_kubelet import SymbolicKubelet
from reelmill.schema import crd
from symbolic_stages import SymbolicStore


@pytest.fixture(scope="session")
def defined(control_plane: ControlPlane) -> ControlPlane:
    """The control plane, with VideoPipelines defined."""
    definition = crd()
    control_plane.client.apply(definition)

    kind = "apiextensions.k8s.io/v1/CustomResourceDefinition"
    name = definition["metadata"]["name"]
    control_plane.client.wait_for(kind, name, "", lambda found: holds(found, "Established"), 120)
    return control_plane


@pytest.fixture
def desk(defined: ControlPlane, namespace: str) -> Iterator[Desk]:
    """A namespace whose pods are run symbolically; its source holds six videos."""
    store = SymbolicStore(bucket={"raw": [f"v{number}" for number in range(6)]})
    with SymbolicKubelet(defined.client, namespace, store) as kubelet:
        yield Desk(defined.client, namespace, kubelet)


@pytest.fixture
def config(desk: Desk, tmp_path: Path) -> Path:
    """A kubeconfig of the operator's service account: the namespace, and the operator's rules."""
    return account(desk.client, desk.namespace, tmp_path)

"""Health and actions by `argocd admin settings resource-overrides`: the same as by the Lua runtime of the other tests.

    REELMILL_ARGOCD=/path/to/argocd .venv/bin/pytest tests/gitops

The program is that of a release of Argo CD, or is compiled from the Go module proxy: a module with the replace
directives of github.com/argoproj/argo-cd/v3, `go get -tool github.com/argoproj/argo-cd/v3/cmd@v3.2.3` and `go build`.
No cluster is asked.
"""

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from gitops.argocd import DEFINITIONS, health, offered
from gitops.test_argocd_lua import STAGES, fine, losing, refused, resource
from reelmill.contract.spec.pipeline import API_VERSION, KIND
from repo.tree import ROOT
from simulated_cluster import SimulatedCluster, pipeline
from symbolic_stages import SymbolicStore

Json = dict[str, Any]
COMMAND = [os.environ.get("REELMILL_ARGOCD", ""), "admin", "settings", "resource-overrides"]
SETTINGS = ["--argocd-cm-path", str(ROOT / "manifests/gitops/argocd/argocd-cm.yaml")]
pytestmark = pytest.mark.timeout(1800)


def whole(found: Json) -> Json:
    plain: Json = json.loads(json.dumps(found))
    return {"apiVersion": API_VERSION, "kind": KIND, **plain}


def on_its_way(trouble: Callable[[SimulatedCluster], None], **spec: Any) -> list[Json]:
    """Each different state of a pipeline, from its creation to its end."""
    cluster = SimulatedCluster(pipeline(STAGES, **spec), SymbolicStore(bucket={"raw": ["v1", "v2"]}))
    trouble(cluster)
    seen = [whole(resource(cluster))]
    for _ in range(40):
        cluster.deliver_all()
        cluster.reconcile()
        seen.append(whole(resource(cluster)))
        for name in cluster.live():
            cluster.advance(name)
    seen += [whole(resource(cluster, generation=2)), whole(resource(cluster, deletionTimestamp="2026-01-01T00:00:00Z"))]
    return list({json.dumps(each, sort_keys=True): each for each in seen}.values())


def argocd(word: str, found: Json, folder: Path, *more: str) -> str:
    file = folder / "pipeline.yaml"
    file.write_text(yaml.safe_dump(found))
    done = subprocess.run(
        [*COMMAND, word, str(file), *more, *SETTINGS],
        env={**os.environ, "KUBECONFIG": os.devnull},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("spec", [{}, {"suspend": True}, {"limits": {"cost": 1}}], ids=str)
@pytest.mark.parametrize("trouble", [fine, losing, refused])
def test_argocd_says_the_same_in_every_state(
    trouble: Callable[[SimulatedCluster], None], spec: Json, tmp_path: Path
) -> None:
    for found in on_its_way(trouble, **spec):
        status, message = re.findall(r"^STATUS: (.*)\nMESSAGE: (.*)", argocd("health", found, tmp_path))[0]
        if "deletionTimestamp" in found["metadata"]:  # of these, Argo CD does not ask the script
            assert (status, message) == ("Progressing", "Pending deletion")
        else:
            assert (status, message) == (health(found)[0], health(found)[1].splitlines()[0])
        table = dict(line.split() for line in argocd("list-actions", found, tmp_path).splitlines()[1:])
        assert table.keys() == DEFINITIONS.keys()
        assert {name for name, disabled in table.items() if disabled == "false"} == offered(found)


@pytest.mark.parametrize("name", ["refresh", "retry"])
def test_argocd_adds_the_annotation_of_a_request_and_changes_nothing_else(name: str, tmp_path: Path) -> None:
    removed, added = changes(argocd("run-action", on_its_way(losing)[-3], tmp_path, name))
    assert removed == []
    assert added[-1].startswith(f"reelmill.dev/{name}: argocd-20")
    assert added[:-1] == ["annotations:"]


def test_argocd_suspends_and_resumes_by_one_field(tmp_path: Path) -> None:
    (running, *_), (suspended, *_) = on_its_way(fine), on_its_way(fine, suspend=True)
    assert changes(argocd("run-action", running, tmp_path, "suspend")) == ([], ["suspend: true"])
    assert changes(argocd("run-action", suspended, tmp_path, "resume")) == (["suspend: true"], [])


def test_argocd_compares_every_field(tmp_path: Path) -> None:
    assert "are not configured" in argocd("ignore-differences", on_its_way(fine)[-3], tmp_path)


def changes(printed: str) -> tuple[list[str], list[str]]:
    """The lines that an action removes and adds, without indentation."""
    lines = printed.splitlines()
    return tuple([line[1:].strip() for line in lines if line.startswith(sign)] for sign in "<>")  # type: ignore[return-value]

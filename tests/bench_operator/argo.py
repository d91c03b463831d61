"""The peer: the controller of Argo Workflows on the same control plane, kwok nodes and DAGs.

The controller is built from the Go module proxy into the user's cache. kwok does not run executors, so the results that
they would write (one write per pod) are missing: Argo's pods end at once, like reelmill's.
"""

import os
import shutil
import subprocess
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from bench_operator import counts
from bench_operator.load import Load, control_plane
from bench_operator.process import controller
from cluster import kubeconfig
from cluster.client import Client
from servers import install
from tools.cache import CACHE

Json = dict[str, Any]
VERSION = "3.7.4"
MODULE = "github.com/argoproj/argo-workflows/v3"
NAMESPACE = "bench"
KIND = "argoproj.io/v1alpha1/Workflow"
CONTROLLER = "argo-workflows-controller"


def build() -> tuple[Path, Path]:
    """The controller, and the folder of its module: compiled once."""
    cache = CACHE / f"argo-workflows-{VERSION}"
    module, program = cache / "module", cache / "workflow-controller"
    module.mkdir(parents=True, exist_ok=True)

    def go(*arguments: str | Path) -> str:
        env = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=mod"}
        done = subprocess.run([install.go(), *arguments], cwd=module, env=env, stdout=subprocess.PIPE, text=True)
        if done.returncode:
            shutil.rmtree(module)
            raise SystemExit(f"Argo Workflows does not compile: go {arguments[0]} failed")
        return done.stdout.strip()

    if not program.exists():
        (module / "go.mod").write_text("module example.test/argo\n\ngo 1.24.0\n")
        go("mod", "edit", f"-require={MODULE}@v{VERSION}")
        go("build", "-trimpath", "-ldflags", "-s -w", "-o", program, f"{MODULE}/cmd/workflow-controller")
    return program, Path(go("list", "-m", "-f", "{{.Dir}}", MODULE))


def workflow(load: Load, name: str) -> Json:
    """The same DAG: stages in a row, so many pods each."""
    tasks: list[Json] = []
    for stage in load.names:
        before = {"dependencies": [tasks[-1]["name"]]} if tasks else {}
        tasks.append({"name": stage, "template": "work", "withSequence": {"count": str(load.shards)}, **before})
    work = {"name": "work", "container": {"image": "reelmill-stages", "command": ["work"]}}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": name},
        "spec": {"entrypoint": "main", "templates": [{"name": "main", "dag": {"tasks": tasks}}, work]},
    }


def run(load: Load, seconds: float) -> Json:
    """Run all workflows until they have succeeded."""
    program, module = build()
    with control_plane(load) as plane, TemporaryDirectory() as folder:
        client = plane.client
        client.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        client.wait(lambda: client.find("ServiceAccount", "default", NAMESPACE), 60, "the service account")
        for path in sorted((module / "manifests/base/crds/minimal").glob("argoproj.io_*.yaml")):
            client.apply(yaml.safe_load(path.read_text()))
        config = _account(client, Path(folder))
        command = [program, "--kubeconfig", config, "--configmap", "workflow-controller-configmap"]
        command += ["--namespace", NAMESPACE, "--executor-image", "x", "--loglevel", "error"]
        command += ["--qps", "500", "--burst", "1000", "--workflow-workers", "32"]
        env = {"ARGO_NAMESPACE": NAMESPACE, "LEADER_ELECTION_DISABLE": "true", "LEADER_ELECTION_IDENTITY": "bench"}
        with controller(command, env, Path(folder) / "log") as peer:
            time.sleep(3)
            peer.alive()
            cpu, began = peer.cpu, time.monotonic()
            for number in range(load.pipelines):
                client.create(workflow(load, f"w{number:04d}"), NAMESPACE)
            while _succeeded(client) < load.pipelines:
                peer.alive()
                if time.monotonic() - began > seconds:
                    phases = Counter((found.get("status") or {}).get("phase") for found in client.list(KIND, NAMESPACE))
                    raise TimeoutError(f"{phases}: {peer.log.read_text()[-2000:]}")
                time.sleep(load.poll)
            took, cpu = time.monotonic() - began, peer.cpu - cpu
            user = f"system:serviceaccount:{NAMESPACE}:{CONTROLLER}"
            return {
                "load": load.described,
                "counts": {
                    "pods": load.work_pods,
                    "pod starts in a row": load.stages,
                    **counts.requests(load, plane, user),
                    **counts.statuses(client.list(KIND, NAMESPACE)),
                },
                "times": peer.cost(load, load.work_pods, took, cpu),
            }


def _succeeded(client: Client) -> int:
    return sum((found.get("status") or {}).get("phase") == "Succeeded" for found in client.list(KIND, NAMESPACE))


def _account(client: Client, folder: Path) -> Path:
    """Create a service account with all permissions, under whose name its writes are counted."""
    subject = [{"kind": "ServiceAccount", "name": CONTROLLER, "namespace": NAMESPACE}]
    api = "rbac.authorization.k8s.io"
    for document in (
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": CONTROLLER}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "workflow-controller-configmap"}},
        {
            "apiVersion": f"{api}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": CONTROLLER},
            "subjects": subject,
            "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": "cluster-admin"},
        },
    ):
        client.apply(document, NAMESPACE)
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 7200}}
    path = client.path("v1/ServiceAccount", NAMESPACE, CONTROLLER, "token")
    token = client.json("POST", path, asked)["status"]["token"]
    access = kubeconfig.Access(client.access.server, token, client.access.ca)
    return kubeconfig.write(folder / "argo.kubeconfig", access, NAMESPACE)

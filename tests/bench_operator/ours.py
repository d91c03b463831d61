"""The benchmark of reelmill: pipelines applied as fast as possible, and an operator with only its RBAC rules."""

import re
import socket
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench_operator import counts
from bench_operator.load import MANY, Load, control_plane
from bench_operator.process import Controller, controller
from cluster.client import Client
from cluster.control_plane import ControlPlane
from control_plane.operators import ACCOUNT, account
from control_plane.pipelines import holds
from reelmill.schema import crd

Json = dict[str, Any]
KIND = "VideoPipeline"
JOB = "batch/v1/Job"
NAMESPACE = "bench"
SETTINGS = {"REELMILL_WRITE_RATE": "500", "REELMILL_WRITE_BURST": "1000", "REELMILL_WORKERS": "8"}
"""Settings of the operator. More workers would only wait longer for the API server, which has two shared cores."""
LISTS = ("list videopipelines", "list jobs")
"""Requests that list all objects."""


def run(load: Load, seconds: float) -> Json:
    """Run all pipelines until they are complete, then three lists during which nothing may be written."""
    with operated(load) as (plane, operator, port):
        return _measured(load, plane, operator, port, seconds)


def makespan(load: Load, seconds: float) -> float:
    """Seconds from the first pipeline's creation to the last Complete."""
    with operated(load) as (plane, operator, _):
        return _completed(load, plane, operator, seconds)


@contextmanager
def operated(load: Load) -> Iterator[tuple[ControlPlane, Controller, int]]:
    """A control plane for the load, an operator at work, and the port of its metrics."""
    with control_plane(load) as plane, TemporaryDirectory() as folder:
        client = plane.client
        client.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        client.wait(lambda: client.find("ServiceAccount", "default", NAMESPACE), 60, "the service account")
        definition = crd()
        client.apply(definition)
        kind, name = "apiextensions.k8s.io/v1/CustomResourceDefinition", definition["metadata"]["name"]
        client.wait_for(kind, name, "", lambda found: holds(found, "Established"), 60)
        config = account(client, NAMESPACE, Path(folder), cluster_wide=True)
        port = _free_port()
        command = [sys.executable, "-m", "reelmill.cli", "operator", "run", "--kubeconfig", config]
        command += ["--listen", f"127.0.0.1:{port}", "--log-level", "WARNING"]
        # Lists are frequent, to detect writes quickly, but do not fall into a short run.
        lists = {"REELMILL_RESYNC_SECONDS": "60" if load.pipelines < MANY else "120"}
        with controller(command, {**SETTINGS, **lists, "KUBECONFIG": str(config)}, Path(folder) / "log") as operator:
            _until(operator, lambda: "reelmill_resyncs_total" in _metrics(port), 60)
            yield plane, operator, port


def _completed(load: Load, plane: ControlPlane, operator: Controller, seconds: float) -> float:
    began = time.monotonic()
    for number in range(load.pipelines):
        plane.client.create(load.pipeline(f"p{number:04d}"), NAMESPACE)
    _until(operator, lambda: _complete(plane.client) >= load.pipelines, seconds, every=load.poll)
    return time.monotonic() - began


def _measured(load: Load, plane: ControlPlane, operator: Controller, port: int, seconds: float) -> Json:
    before = operator.cpu
    took = _completed(load, plane, operator, seconds)
    cpu = operator.cpu - before
    text = _metrics(port)
    times = {
        **operator.cost(load, load.pods, took, cpu),
        "reconcile seconds": _quantiles(text, "controller_runtime_reconcile_time_seconds"),
        "queue seconds": _quantiles(text, "workqueue_queue_duration_seconds"),
    }
    user = f"system:serviceaccount:{NAMESPACE}:{ACCOUNT}"
    # The last writes of a run delete its Jobs.
    _until(operator, lambda: not plane.client.list(JOB, NAMESPACE), 1800, every=10.0)
    quiet = _quiet(plane, operator, port, user)
    created = [
        event["objectRef"]["name"]
        for event in plane.audit(user)
        if (event["verb"], event["objectRef"]["resource"]) == ("create", "jobs")
        and event["responseStatus"]["code"] < 300
    ]
    work = {_work(name) for name in created}
    return {
        "load": load.described,
        "counts": {
            "pods": load.pods,
            "pod starts in a row": load.starts,
            **counts.requests(load, plane, user, at_intervals=LISTS),
            **counts.statuses(_pipelines(plane.client)),
            "writes at rest": quiet,
            "duplicate Jobs": len(created) - len(work),
            "missing Jobs": load.jobs * load.pipelines - len(work),
        },
        "times": times,
    }


def _quiet(plane: ControlPlane, operator: Controller, port: int, user: str) -> int:
    """Writes during three lists, once the last ttl was set."""
    written = -1
    while written != (written := len(plane.audit(user))):
        listed = _value(_metrics(port), "reelmill_resyncs_total")
        _until(operator, lambda listed=listed: _value(_metrics(port), "reelmill_resyncs_total") > listed, 300)
    listed = _value(_metrics(port), "reelmill_resyncs_total")
    _until(operator, lambda: _value(_metrics(port), "reelmill_resyncs_total") >= listed + 3, 600)
    return len(plane.audit(user)) - written


def _work(job: str) -> str:
    """A Job's name without its run number, which identifies the work."""
    return job.rstrip("0123456789")


def _pipelines(client: Client) -> list[Json]:
    return client.list(KIND, NAMESPACE)


def _complete(client: Client) -> int:
    return sum(holds(found, "Complete") for found in _pipelines(client))


def _metrics(port: int) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


def _value(text: str, name: str) -> float:
    return next((float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(f"{name} ")), 0.0)


def _quantiles(text: str, name: str) -> Json:
    """p50 and p99 of a histogram, linear within its buckets."""
    pattern = re.compile(rf'^{name}_bucket{{.*le="([^"]+)".*}} (\S+)$', re.MULTILINE)
    buckets = sorted((float(edge), float(count)) for edge, count in pattern.findall(text))
    return {f"p{share:g}": _quantile(buckets, share / 100) for share in (50, 99)}


def _quantile(buckets: list[tuple[float, float]], share: float) -> float:
    low, below = 0.0, 0.0
    wanted = share * buckets[-1][1] if buckets else 0.0
    for edge, count in buckets:
        if count >= wanted and count > below:
            part = (wanted - below) / (count - below)
            return round(low + (min(edge, 10 * max(low, 1.0)) - low) * part, 4)
        low, below = edge, count
    return low


def _until(operator: Controller, look: Any, seconds: float, every: float = 0.5) -> None:
    end = time.monotonic() + seconds
    while not look():
        operator.alive()
        if time.monotonic() > end:
            raise TimeoutError(f"not done in {seconds:g} s; the operator's log: {operator.log.read_text()[-2000:]}")
        time.sleep(every)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port

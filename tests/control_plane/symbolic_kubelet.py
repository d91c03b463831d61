"""Plays the kubelets of reelmill's pods: takes each pod's Task and index to a symbolic store, and ends the pod as told.

Its pods ask for a node label that no node has, so neither the scheduler nor kwok touches them.
"""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from cluster.client import ApiError, Client
from reelmill.contract.task import ENV, Task
from reelmill.contract.task_parts.follow_up import ENV as NEXT_ENV
from symbolic_stages import SymbolicStore

NOWHERE = {"test.reelmill.dev/symbolic": "true"}
INDEX = "batch.kubernetes.io/job-completion-index"


@dataclass
class SymbolicKubelet:
    """Runs pods of a namespace in a thread, while it is entered."""

    client: Client
    namespace: str
    store: SymbolicStore = field(default_factory=SymbolicStore)
    holding: bool = False
    """Pods are seen to run and do not end."""
    held_step: str = ""
    """Pods of this step do not."""
    idle: bool = False
    """Pods are left alone."""
    gpus: bool = True
    """Pods that ask for a GPU find one; else they are the scheduler's."""
    waiting: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Pipeline -> reason and message of its containers, which cannot start."""
    jobs: dict[str, str] = field(default_factory=dict)
    """Every Job that ever had a pod: name -> UID."""
    ran: list[tuple[str, int, int]] = field(default_factory=list)
    """Job, index and exit code of every pod that ended."""
    problem: BaseException | None = None
    every: float = 0.05
    """Seconds between two looks at the pods."""

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._running: set[str] = set()

    def __enter__(self) -> "SymbolicKubelet":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(120)
        if self.problem:
            raise self.problem

    def _run(self) -> None:
        try:
            while not self._stop.wait(self.every):
                try:
                    self._look()
                except (ApiError, OSError):
                    # The API server is away, or the pod is: look again.
                    continue
        except BaseException as problem:
            self.problem = problem

    def _look(self) -> None:
        query = urlencode({"labelSelector": "app.kubernetes.io/managed-by=reelmill"})
        for pod in self.client.json("GET", f"{self.client.path('v1/Pod', self.namespace)}?{query}")["items"]:
            owner = pod["metadata"]["ownerReferences"][0]
            self.jobs.setdefault(owner["name"], owner["uid"])
            waits = pod["status"]["phase"] in ("Pending", "Running") and not pod["metadata"].get("deletionTimestamp")
            if waits and not self.idle:
                self._advance(pod, owner["name"])

    def _advance(self, pod: dict[str, Any], job: str) -> None:
        name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
        (container,) = pod["spec"]["containers"]
        if not self.gpus and "nvidia.com/gpu" in container["resources"].get("limits", {}):
            return
        if words := self.waiting.get(pod["metadata"]["labels"]["reelmill.dev/pipeline"]):
            # The scheduler, to which these pods have no node, says so again and again.
            conditions = pod["status"].get("conditions") or ()
            placed = any((each["type"], each["status"]) == ("PodScheduled", "True") for each in conditions)
            if not placed or not pod["status"].get("containerStatuses"):
                self._write(name, "Pending", {"waiting": {"reason": words[0], "message": words[1]}}, ready=False)
            return
        if self.holding or pod["metadata"]["labels"]["reelmill.dev/step"] == self.held_step:
            if pod["status"]["phase"] == "Pending":
                self._write(name, "Running", {"running": {"startedAt": _now()}}, ready=True)
            return
        given = {each["name"]: each.get("value", "") for each in container["env"]}
        task = Task.model_validate_json(given[ENV])
        index = int(pod["metadata"]["annotations"][INDEX])
        if uid in self._running:
            return
        code, report = self.store.execute(task, index, given.get(NEXT_ENV, ""))
        self._running.add(uid)
        self.ran.append((job, index, code))
        ended = {"exitCode": code, "message": report, "startedAt": _now(), "finishedAt": _now()}
        self._write(name, "Failed" if code else "Succeeded", {"terminated": ended}, ready=False)

    def _write(self, name: str, phase: str, state: dict[str, Any], *, ready: bool) -> None:
        status = {
            "phase": phase,
            "conditions": [
                {"type": "PodScheduled", "status": "True"},
                {"type": "Ready", "status": "True" if ready else "False"},
            ],
            "containerStatuses": [
                {
                    "name": "reelmill",
                    "image": "x",
                    "imageID": "x",
                    "ready": ready,
                    "restartCount": 0,
                    "state": state,
                }
            ],
        }
        for _ in range(50):
            try:
                self.client.patch("v1/Pod", name, {"status": status}, self.namespace, part="status")
            except OSError:
                # What a step did must be told, or it would be done again.
                self._stop.wait(0.2)
            except ApiError as error:
                if error.code != 404:
                    raise
                return
            else:
                return


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

"""Faults of every kind on nodes, one after the other and two at a time, while pipelines run.

Each pipeline must end Complete, with the files and the effective ledger of an undisturbed one. The faults are drawn
from a seed; each fault repairs what it broke before it ends, as a real cluster or its administrator would.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from cluster import launch
from cluster.client import ApiError
from cluster.kwok import ready
from cluster.nodes import Cluster
from cluster.pods import RESTRICTED
from images import built
from nodes.cluster_s3 import MINIO, PORT, ClusterS3
from nodes.disturbed import CALM, Disturbed
from nodes.place import POD, Place
from nodes.release import Release
from servers.faults import FaultProxy, fault_proxy, lost, reset, stall, status

Json = dict[str, Any]
AT_ONCE = 2
"""Pipelines that work at the same time."""
PATIENCE = 1500.0
"""Maximum time in seconds of a pipeline, including faults."""
PAUSE = (5.0, 25.0)
"""Seconds between two faults."""
FULL = "DiskFull"
"""The reason of a stall that a user must clear, by making room in the store."""


class ProxiedS3(ClusterS3):
    """The bucket server, which pods reach by a proxy that misbehaves on request."""

    proxy: FaultProxy | None = None
    gateway = ""

    @property
    def endpoint(self) -> str:
        assert self.proxy
        return f"http://{self.gateway}:{self.proxy.port}"

    def start(self) -> "ProxiedS3":
        super().start()
        if self.proxy:
            self.proxy.host = self.client.get(POD, "s3", self.namespace)["status"]["podIP"]
        return self


@dataclass
class Nemesis:
    """The faults of a cluster. Each returns when it has repaired what it broke, except for what recovers by itself."""

    cluster: Cluster
    place: Place
    s3: ProxiedS3
    release: Release
    chance: random.Random
    done: Counter[str] = field(default_factory=Counter)

    @property
    def deeds(self) -> dict[str, Callable[[], None]]:
        return {
            "pod killed": self.kill_pod,
            "pod evicted": self.evict_pod,
            "node drained": self.drain,
            "spot node taken": self.taint,
            "kubelet killed": self.kill_kubelet,
            "kubelet hangs": self.freeze_kubelet,
            "node without power": self.cut_power,
            "operator killed": self.release.kill,
            "API server restarted": self.restart_api_server,
            "controller manager restarted": self.restart_manager,
            "store down": self.stop_store,
            "store answers 503": lambda: self.store_says(503, "SlowDown"),
            "store answers 500": lambda: self.store_says(500, "InternalError"),
            "store is full": lambda: self.store_says(507, "XMinioStorageFull"),
            "store is silent": self.silent_store,
            "store loses answers": self.lossy_store,
        }

    def kill_pod(self) -> None:
        if pod := self._pod():
            with suppress(ApiError):
                self.cluster.client.delete(POD, pod, self.place.namespace, grace=0)

    def evict_pod(self) -> None:
        if pod := self._pod():
            self._evict(pod)

    def drain(self) -> None:
        """Cordon a node, evict the pods of pipelines, and let it be used again."""
        node = self._node()
        self.place.kubectl("cordon", node)
        try:
            for pod in self._pods(node):
                self._evict(pod)
            time.sleep(self.chance.uniform(5, 20))
        finally:
            self.place.kubectl("uncordon", node)

    def taint(self) -> None:
        node, taint = "reel-gpu", "test.reelmill.dev/spot-taken=now:NoExecute"
        self.place.kubectl("taint", "node", node, taint)
        try:
            time.sleep(self.chance.uniform(5, 20))
        finally:
            self.place.kubectl("taint", "node", node, f"{taint.split('=')[0]}-")

    def kill_kubelet(self) -> None:
        name = self._node()
        self.cluster.plane.box.signal(self.cluster.nodes[name].programs[1], 9)
        time.sleep(self.chance.uniform(2, 50))
        self.cluster.plane.box.again(self.cluster.nodes[name].programs[1])
        self._await_node(name)

    def freeze_kubelet(self) -> None:
        name = self._node()
        program = self.cluster.nodes[name].programs[1]
        self.cluster.plane.freeze(program)
        time.sleep(self.chance.uniform(2, 50))
        self.cluster.plane.thaw(program)
        self._await_node(name)

    def cut_power(self) -> None:
        self.cluster.nodes["reel-gpu"].cut_power()
        time.sleep(self.chance.uniform(2, 40))
        self.cluster.restore_power("reel-gpu")

    def restart_api_server(self) -> None:
        self.cluster.plane.restart("kube-apiserver")

    def restart_manager(self) -> None:
        self.cluster.plane.restart("kube-controller-manager")

    def stop_store(self) -> None:
        self.s3.stop()
        time.sleep(self.chance.uniform(2, 40))
        self.s3.start()

    def store_says(self, code: int, word: str) -> None:
        self._disturb_for_a_while(lambda proxy: proxy.fault(status(code, word), times=10**6))

    def silent_store(self) -> None:
        self._disturb_for_a_while(lambda proxy: proxy.fault(stall(15.0), times=6))

    def lossy_store(self) -> None:
        def disturb_answers(proxy: FaultProxy) -> None:
            for act in (lost, reset) * 8:
                proxy.fault(act, method=self.chance.choice(["PUT", "GET", ""]), times=1)

        self._disturb_for_a_while(disturb_answers)

    def _disturb_for_a_while(self, begin: Callable[[FaultProxy], None]) -> None:
        assert self.s3.proxy
        begin(self.s3.proxy)
        time.sleep(self.chance.uniform(2, 20))
        self.s3.proxy.faults.clear()

    def _node(self) -> str:
        return self.chance.choice(["reel-cpu", "reel-gpu"])

    def _pods(self, node: str = "") -> list[str]:
        found = self.cluster.client.list(POD, self.place.namespace, "app.kubernetes.io/managed-by=reelmill")
        running = [pod for pod in found if pod["status"].get("phase") == "Running"]
        return [pod["metadata"]["name"] for pod in running if node in ("", pod["spec"].get("nodeName"))]

    def _pod(self) -> str:
        return self.chance.choice(self._pods() or [""])

    def _evict(self, pod: str) -> None:
        client, namespace = self.cluster.client, self.place.namespace
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": namespace}}
        with suppress(ApiError):
            client.json("POST", client.path(POD, namespace, pod, "eviction"), eviction)

    def _await_node(self, name: str) -> None:
        client = self.cluster.client
        client.wait_for("v1/Node", name, "", ready, 180, f"{name} to be ready")


def run(minutes: float, seed: int) -> int:
    """Inject faults for `minutes`, then let everything end; returns the exit code."""
    with _opened() as (cluster, place, s3, release):
        print("the cluster runs; an undisturbed pipeline first", flush=True)
        disturbed = Disturbed(place)
        place.complete(CALM, PATIENCE)
        nemesis = Nemesis(cluster, place, s3, release, random.Random(seed))
        end, began = time.monotonic() + 60 * minutes, time.monotonic()
        pipelines = Pipelines(disturbed, end)
        threads = [threading.Thread(target=pipelines.work, args=(number,)) for number in range(AT_ONCE)]
        for thread in threads:
            thread.start()
        bag: list[str] = []
        while time.monotonic() < end:
            # Every kind occurs once before any is repeated.
            bag = bag or nemesis.chance.sample(list(nemesis.deeds), len(nemesis.deeds))
            name = bag.pop()
            at = (time.monotonic() - began) / 60
            try:
                nemesis.deeds[name]()
            except Exception as problem:
                # The fault could not be injected or repaired: this is reported as a problem of the cluster.
                print(f"{at:5.1f} min  {name}: {type(problem).__name__} {str(problem)[:300]}", flush=True)
                continue
            nemesis.done[name] += 1
            print(f"{at:5.1f} min  {name} ({time.monotonic() - began - 60 * at:.0f} s)", flush=True)
            time.sleep(nemesis.chance.uniform(*PAUSE))
        for thread in threads:
            thread.join()
    print(
        f"\n{nemesis.done.total()} faults: {', '.join(f'{name} {count}' for name, count in nemesis.done.most_common())}"
    )
    print(f"retries asked for: {dict(pipelines.retried)}")
    print(f"{len(pipelines.good)} pipelines ended like the undisturbed one, {len(pipelines.bad)} did not; seed {seed}")
    for problem in pipelines.bad:
        print(f"PROBLEM {problem}")
    return int(bool(pipelines.bad) or not pipelines.good)


class Pipelines:
    """Starts one pipeline after the other until the time is over, and checks how each ends."""

    def __init__(self, disturbed: Disturbed, end: float) -> None:
        self._disturbed, self._end = disturbed, end
        self.good: list[str] = []
        self.bad: list[str] = []
        self.retried: Counter[str] = Counter()
        """Reasons of stalls that needed a requested retry."""

    def work(self, number: int) -> None:
        """The pipelines of one thread."""
        turn = 0
        while time.monotonic() < self._end:
            turn += 1
            name = f"p{number}-{turn}"
            try:
                self._repeat_until_reachable(lambda name=name: self._disturbed.begin(name))
                self._repeat_until_reachable(lambda name=name: self._cleared(name))
                self._repeat_until_reachable(lambda name=name: self._disturbed.ends_well(name, PATIENCE))
            except Exception as problem:
                self.bad.append(f"{name}: {type(problem).__name__} {str(problem)[:3000]}")
                print(f"           {name} PROBLEM {str(problem)[:300]}", flush=True)
            else:
                self.good.append(name)
                print(f"           {name} ended like the undisturbed one", flush=True)

    def _cleared(self, name: str) -> None:
        """Wait for the end. If the store is full, make room and request a retry."""
        place, end = self._disturbed.place, time.monotonic() + PATIENCE
        while not place.holds(name, "Complete") and time.monotonic() < end:
            reason = str(place.condition(name, "Failed").get("reason", ""))
            if reason == FULL and place.holds(name, "Failed"):
                self.retried[reason] += 1
                token = f"retry-{self.retried.total()}"
                place.kubectl("annotate", "--overwrite", "videopipeline", name, f"reelmill.dev/retry={token}")
                time.sleep(20)
            elif place.holds(name, "Failed"):
                return
            time.sleep(1)

    @staticmethod
    def _repeat_until_reachable(look: Callable[[], None]) -> None:
        """Repeat a check whose server is disturbed; a failed assertion is not repeated."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                look()
            except AssertionError as wrong:
                # kubectl may not reach the API server.
                if "connect" not in str(wrong) and "refused" not in str(wrong):
                    raise
            except TimeoutError:
                raise
            except Exception as problem:
                if time.monotonic() > end:
                    raise TimeoutError(str(problem)) from problem
            else:
                return
            time.sleep(2)


@contextmanager
def _opened() -> Iterator[tuple[Cluster, Place, ProxiedS3, Release]]:
    with ExitStack() as stack:
        cluster = stack.enter_context(launch.nodes())
        for key in ("operator", "stages-cpu"):
            cluster.load(built.archive(key))
        s3 = ProxiedS3(cluster, MINIO, "storage")
        s3.start()
        s3.gateway = cluster.host_address
        address = cluster.client.get(POD, "s3", "storage")["status"]["podIP"]
        s3.proxy = stack.enter_context(fault_proxy(PORT, host=address, listen="0.0.0.0"))
        release = Release(cluster).install()
        release.ready()
        namespace = stack.enter_context(cluster.client.namespace(labels=RESTRICTED))
        yield cluster, Place(cluster, namespace, s3), s3, release

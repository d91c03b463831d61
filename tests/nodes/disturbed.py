"""Pipelines that are disturbed while they work, and an undisturbed one that all of them must end like."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cluster.leftovers import CGROUPS
from cluster.pods import finished
from nodes.pipeline_inputs import film
from nodes.place import PATIENCE, Place
from nodes.same_outputs import files, ledgers, totals

Json = dict[str, Any]
CALM = "calm"
NAMES = ["raw", "clips", "samples"]
SHARDS, FILMS = 2, 6
MEMORY = 600 << 20
SHARE = "200m"
"""Of a CPU, for a pod at work on a shard: some seconds of encoding take long enough to be disturbed, on any machine."""
HOG = """
import sys, time
from pathlib import Path
for file in sys.argv[2:]:
    Path(file).write_text("0")
held = []
while sum(map(len, held)) < int(sys.argv[1]):
    held.append(b"x" * (8 << 20))
    time.sleep(0.02)
time.sleep(60)
"""


class Disturbed:
    """Pipelines in one place, over the same films. `begin` one, disturb it, and see that it `ends_well`."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.bucket = place.s3.make_bucket()
        for number in range(FILMS):
            place.s3.put(f"s3://{self.bucket}/in/film{number}.mp4", film(seconds=6.0, fps=25, size=(320, 192)))
        self.begin(CALM)

    def begin(self, name: str, *, workers: int = 1) -> None:
        """Apply a pipeline whose shards take some ten seconds: it encodes, with little of a CPU."""
        prefers = {"weight": 100, "preference": {"matchExpressions": [_on("reel-gpu")]}}
        clips = {
            "name": "clips",
            "clip": {"by": "length", "length": "2s", "mode": "reencode", "preset": "slow"},
            "shards": SHARDS,
            "parallelism": SHARDS,
            "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [prefers]}},
            "resources": {"requests": {"memory": str(MEMORY), "cpu": SHARE}, "limits": {"cpu": SHARE}},
            "workers": workers,
        }
        samples = {"count": 2, "width": 64, "height": 48, "layout": "npy"}
        frames = {"name": "samples", "frames": samples, "shards": 2}
        store = {"uri": self._uri(name), "endpoint": self.place.s3.endpoint, "secretRef": {"name": "s3-credentials"}}
        source = {"name": "raw", "files": {"uri": f"s3://{self.bucket}/in/"}}
        self.place.apply(
            {
                "apiVersion": "reelmill.dev/v1alpha1",
                "kind": "VideoPipeline",
                "metadata": {"name": name},
                "spec": {"store": store, "sources": [source], "stages": [clips, frames]},
            }
        )

    def mid_shard(self, name: str) -> Json:
        """A pod that has noted in the store that it works on its shard, once the stage has written a file."""
        store = self.place.s3.store(self._uri(name))

        def begun(pod: Json) -> bool:
            index = int(pod["metadata"]["labels"]["batch.kubernetes.io/job-completion-index"])
            keys = [stat.key for stat in store.list("clips/")]
            return any(key.endswith(".mp4") for key in keys) and any(f"/flights/{index:05d}/" in key for key in keys)

        return self.place.running(name, "clips", begun)

    def ends_well(self, name: str, seconds: float = PATIENCE) -> None:
        """Complete, with the files and the effective rows of the calm one; never two Jobs of a stage at a time."""
        place = self.place
        place.complete(name, seconds)
        place.complete(CALM)
        one, calm = place.s3.store(self._uri(name)), place.s3.store(self._uri(CALM))
        assert ledgers(one, NAMES) == ledgers(calm, NAMES)
        assert totals(one, NAMES) == totals(calm, NAMES)
        assert files(one) == files(calm)
        assert place.overlaps(name) == []

    def shards_jobs(self, name: str) -> list[Json]:
        """The attempts at the shards that were disturbed."""
        jobs = [(job, job["metadata"]["labels"]) for job in self.place.jobs(name)]
        wanted = {"reelmill.dev/stage": "clips", "reelmill.dev/step": "shards"}
        return [job for job, labels in jobs if wanted.items() <= labels.items()]

    def until_moment(self, name: str, number: int) -> bool:
        """Wait until so many things have happened to a pipeline's Jobs: each is created, and each ends.

        False: the pipeline is complete, and nothing more happened.
        """

        def happened() -> str:
            complete = self.place.holds(name, "Complete")
            jobs = self.place.jobs(name)
            if len(jobs) + sum(1 for job in jobs if finished(job)) >= number:
                return "moment"
            return "complete" if complete else ""

        return self.place.cluster.client.wait(happened, 120, f"moment {number} of {name}") == "moment"

    def _uri(self, name: str) -> str:
        return f"s3://{self.bucket}/{name}"


@contextmanager
def out_of_memory(pod: Json, cgroup: str) -> Iterator[None]:
    """Somebody in the pod's container takes all the memory it may have; the kernel then kills what matters most."""
    paths = [
        *CGROUPS.glob(f"memory/{cgroup}/**/*{pod['metadata']['uid']}*"),
        *CGROUPS.glob(f"{cgroup}/**/*{pod['metadata']['uid']}*"),
    ]
    (container,) = (
        file.parent
        for path in paths
        for file in path.glob("*/cgroup.procs")
        if any(_command(pid).startswith(b"python") for pid in file.read_text().split())
    )
    for pid in container.joinpath("cgroup.procs").read_text().split():
        # Whoever is root may make others likelier to be killed, and needs no privilege for it.
        Path(f"/proc/{pid}/oom_score_adj").write_text("1000")
    hog = subprocess.Popen([sys.executable, "-c", HOG, str(2 * MEMORY), str(container / "cgroup.procs")])
    try:
        yield
    finally:
        hog.kill()
        hog.wait()


def _command(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().rpartition(b"/")[2]
    except OSError:
        return b""


def _on(node: str) -> Json:
    return {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}

"""One node: a containerd with runc and a kubelet in a separate cgroup root."""

import json
import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from cluster.control_plane import ControlPlane
from cluster.kwok import ready
from cluster.leftovers import CGROUPS
from cluster.packages import search_path

PAUSE = "reelmill.test/pause:1"
BRIDGE = "reel0"


@dataclass(frozen=True)
class Node:
    """A node of a boxed control plane. Pods get addresses from `first` to `last`."""

    name: str
    plane: ControlPlane
    port: int
    first: IPv4Address
    last: IPv4Address

    @property
    def folder(self) -> Path:
        return self.plane.folder / self.name

    @property
    def socket(self) -> Path:
        return self.folder / "containerd.sock"

    @property
    def cgroup(self) -> str:
        return f"{self.plane.box.instance.cgroup_prefix}{self.name}"

    @property
    def programs(self) -> tuple[str, str]:
        """Names of its containerd and its kubelet in the box."""
        return f"{self.name}-containerd", f"{self.name}-kubelet"

    def start_runtime(self) -> None:
        """Start containerd; `await_runtime` before it is used."""
        (self.folder / "cni").mkdir(parents=True)
        (self.folder / "cni" / "10-bridge.conflist").write_text(json.dumps(self._network()))
        (self.folder / "containerd.toml").write_text(self._containerd())
        self._make_cgroup()
        self.plane.box.start(self.programs[0], "containerd", "--config", self.folder / "containerd.toml")

    def await_runtime(self) -> None:
        end = time.monotonic() + 60
        while not self.socket.exists():
            if time.monotonic() > end or not self.plane.box.running(self.programs[0]):
                raise RuntimeError(f"containerd did not start:\n{self.plane.box.log(self.programs[0])}")
            time.sleep(0.05)

    def load(self, archive: Path) -> None:
        """Import the images of an OCI or docker archive."""
        command = ["ctr", "-a", str(self.socket), "-n", "k8s.io", "images", "import", str(archive)]
        environment = {**os.environ, "PATH": search_path()}
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        if done.returncode:
            raise RuntimeError(f"{self.name} does not take {archive}: {done.stderr.strip()[-1000:]}")

    def start_kubelet(self) -> None:
        """Start the kubelet as the node's own user."""
        (self.folder / "resolv.conf").write_text(f"nameserver {self.plane.box.instance.dns}\n")
        config = self.folder / "kubelet.json"
        config.write_text(json.dumps(self._kubelet()))
        self.plane.box.start(
            self.programs[1],
            *(self.plane.programs / "kubelet", "--config", config, "--hostname-override", self.name),
            *("--kubeconfig", self.plane.access(f"system:node:{self.name}")),
            *("--node-ip", str(self.plane.box.instance.gateway)),
            *("--root-dir", self.folder / "kubelet", "--cert-dir", self.folder / "certificates"),
        )

    def cut_power(self) -> None:
        """Kill the kubelet, containerd and every container at once, like a power failure."""
        for program in reversed(self.programs):
            self.plane.box.signal(program, signal.SIGKILL)
        for pid in self._pids():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def restore_power(self) -> None:
        """Restart containerd and the kubelet, and wait for the node; earlier containers are found dead."""
        box, (runtime, kubelet) = self.plane.box, self.programs
        self.socket.unlink(missing_ok=True)
        box.again(runtime)
        self.await_runtime()
        end = time.monotonic() + 90
        while not (box.running(kubelet) and ready(self.plane.client.get("v1/Node", self.name))):
            # It exits while containerd is still loading its state; an init system would restart it.
            if not box.running(kubelet):
                box.again(kubelet)
            if time.monotonic() > end:
                raise TimeoutError(f"{self.name} does not come back:\n{box.log(kubelet)}")
            time.sleep(0.5)

    def _pids(self) -> list[int]:
        """Processes of its containers, and their shims."""
        files = [*CGROUPS.glob(f"pids/{self.cgroup}/**/cgroup.procs"), *CGROUPS.glob(f"{self.cgroup}/**/cgroup.procs")]
        found = [int(line) for file in files for line in file.read_text().split()]
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                command = process.read_bytes()
                if b"containerd-shim" in command and str(self.socket).encode() in command:
                    found.append(int(process.parent.name))
        return found

    def _make_cgroup(self) -> None:
        """Create a cgroup root in every hierarchy (v1), or in the only one (v2)."""
        if (CGROUPS / "cgroup.controllers").exists():
            for controller in ("cpu", "cpuset", "memory", "pids"):
                with suppress(OSError):
                    (CGROUPS / "cgroup.subtree_control").write_text(f"+{controller}")
            (CGROUPS / self.cgroup).mkdir()
            return
        for hierarchy in (path for path in CGROUPS.iterdir() if path.is_dir() and not path.is_symlink()):
            with suppress(OSError):
                (hierarchy / self.cgroup).mkdir()
        for file in ("cpuset.cpus", "cpuset.mems"):
            with suppress(OSError):
                (CGROUPS / "cpuset" / self.cgroup / file).write_text((CGROUPS / "cpuset" / file).read_text())

    def _network(self) -> dict[str, Any]:
        instance = self.plane.box.instance
        span = {"subnet": str(instance.pods), "rangeStart": str(self.first), "rangeEnd": str(self.last)}
        addresses = {
            "type": "host-local",
            "dataDir": str(self.folder / "addresses"),
            "ranges": [[{**span, "gateway": str(instance.gateway)}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        }
        bridge = {"type": "bridge", "bridge": BRIDGE, "isGateway": True, "ipMasq": False, "hairpinMode": True}
        return {"cniVersion": "1.0.0", "name": self.name, "plugins": [{**bridge, "ipam": addresses}]}

    def _containerd(self) -> str:
        cri = '[plugins."io.containerd.grpc.v1.cri"'
        return f"""version = 2
root = "{self.folder}/root"
state = "{self.folder}/state"
[grpc]
  address = "{self.socket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{self.folder}/opt"
{cri}]
  sandbox_image = "{PAUSE}"
  restrict_oom_score_adj = true
  disable_apparmor = true
{cri}.cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "{self.folder}/cni"
{cri}.containerd]
  snapshotter = "overlayfs"
  default_runtime_name = "runc"
{cri}.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
"""

    def _kubelet(self) -> dict[str, Any]:
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "containerRuntimeEndpoint": f"unix://{self.socket}",
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{self.cgroup}",
            "failSwapOn": False,
            "failCgroupV1": False,
            "featureGates": {"KubeletInUserNamespace": True},
            "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
            "authorization": {"mode": "AlwaysAllow"},
            "clusterDNS": [str(self.plane.box.instance.dns)],
            "clusterDomain": "cluster.local",
            "resolvConf": str(self.folder / "resolv.conf"),
            "enforceNodeAllocatable": [],
            "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1Gi", "imagefs.available": "1Gi"},
            "imageGCHighThresholdPercent": 100,
            "port": self.port,
            "healthzPort": self.port + 1000,
            "nodeStatusUpdateFrequency": "4s",
            "podLogsDir": str(self.folder / "logs"),
            "volumePluginDir": str(self.folder / "plugins"),
        }

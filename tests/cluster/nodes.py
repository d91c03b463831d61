"""A control plane with two real nodes: services, DNS, containers and simulated GPUs.

The nodes are `reel-cpu` and `reel-gpu`, which advertises four NVIDIA L4: the scheduler counts them, and the kubelet
runs pods that request them. Both nodes share the box's network: one bridge, one kube-proxy. CoreDNS runs in the box,
behind the DNS service address.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cluster import images
from cluster.client import Client
from cluster.control_plane import HELPER, PROXY, ControlPlane
from cluster.kwok import L4, ready
from cluster.node import BRIDGE, Node

GPUS = "4"
ZONE = "cluster.local"


@dataclass
class Cluster:
    """A boxed control plane with nodes. `start` first; it ends with the box."""

    plane: ControlPlane

    @cached_property
    def nodes(self) -> dict[str, Node]:
        """Nodes by name. Each has half of the pods' addresses."""
        pods = self.plane.box.instance.pods
        return {
            "reel-cpu": Node("reel-cpu", self.plane, 10250, pods[10], pods[120]),
            "reel-gpu": Node("reel-gpu", self.plane, 10350, pods[130], pods[250]),
        }

    @property
    def client(self) -> Client:
        """The administrator's client."""
        return self.plane.client

    @property
    def kubeconfig(self) -> Path:
        return self.plane.kubeconfig

    @property
    def host_address(self) -> str:
        """Address at which pods reach servers on this machine."""
        return str(self.plane.box.instance.host_address)

    def start(self) -> None:
        """Start everything and wait until both nodes accept pods."""
        self._network()
        for node in self.nodes.values():
            node.start_runtime()
        self.plane.nodes = tuple(self.nodes)
        self.plane.start()
        self._proxy()
        self._dns()
        for node in self.nodes.values():
            node.await_runtime()
            node.start_kubelet()
        self.load(images.pause())
        self.load(images.shell())
        for name in self.nodes:
            self.plane.client.wait_for("v1/Node", name, "", ready, 90, "the node to be ready")
        self._gpus()

    def load(self, archive: Path) -> None:
        """Import an image (OCI or docker archive) on both nodes."""
        for node in self.nodes.values():
            node.load(archive)

    def _network(self) -> None:
        run, instance = self.plane.box.run, self.plane.box.instance
        run("ip", "link", "add", BRIDGE, "type", "bridge")
        run("ip", "address", "add", f"{instance.gateway}/24", "dev", BRIDGE)
        run("ip", "link", "set", BRIDGE, "up")
        run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        # Without this, a pod's reply to a pod behind a service would bypass the NAT rules.
        run("sh", "-c", "if cd /proc/sys/net/bridge; then echo 1 > bridge-nf-call-iptables; fi 2> /dev/null")

    def _proxy(self) -> None:
        plane = self.plane
        plane.box.start(
            "kube-proxy",
            *(plane.programs / "kube-proxy", "--kubeconfig", plane.access(PROXY), "--proxy-mode", "iptables"),
            *("--cluster-cidr", str(plane.box.instance.pods), "--hostname-override", "reel-cpu"),
            *("--conntrack-max-per-core", "0", "--conntrack-tcp-timeout-established", "0"),
            *("--conntrack-tcp-timeout-close-wait", "0", "--metrics-bind-address", "127.0.0.1:10249"),
            *("--healthz-bind-address", "127.0.0.1:10256", "--iptables-min-sync-period", "0s"),
        )

    def _dns(self) -> None:
        plane, instance = self.plane, self.plane.box.instance
        corefile = plane.folder / "Corefile"
        corefile.write_text(
            f".:53 {{\n  bind {instance.gateway}\n  errors\n  cache 5\n"
            f"  kubernetes {ZONE} in-addr.arpa {{\n    kubeconfig {plane.access(HELPER)}\n  }}\n}}\n"
        )
        plane.box.start("coredns", plane.programs / "coredns", "-conf", corefile)
        metadata = {"name": "kube-dns", "namespace": "kube-system"}
        ports = [
            {"name": "dns", "port": 53, "protocol": "UDP"},
            {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
        ]
        service = {"apiVersion": "v1", "kind": "Service", "metadata": metadata}
        slices = {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**metadata, "labels": {"kubernetes.io/service-name": "kube-dns"}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [str(instance.gateway)], "conditions": {"ready": True}}],
            "ports": ports,
        }
        plane.client.apply([{**service, "spec": {"clusterIP": str(instance.dns), "ports": ports}}, slices])

    def restore_power(self, name: str) -> None:
        """Restart a node after a power failure, and wait until it accepts pods."""
        self.nodes[name].restore_power()
        if name == "reel-gpu":
            self._gpus()

    def _gpus(self) -> None:
        """Set the GPUs of the node; no device plugin owns them, so they remain until its kubelet restarts."""
        amounts = {"nvidia.com/gpu": GPUS}
        status = {"status": {"capacity": amounts, "allocatable": amounts}}
        client = self.plane.client
        client.patch("v1/Node", "reel-gpu", status, part="status")
        labels = {"nvidia.com/gpu.product": L4, "nvidia.com/gpu.present": "true"}
        client.patch("v1/Node", "reel-gpu", {"metadata": {"labels": labels}})

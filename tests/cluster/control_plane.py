"""A control plane of etcd, API server, controller manager and scheduler, each with its token and RBAC rules.

The API server creates its certificate, which clients verify. A lost node is detected in half a minute instead of six,
and every write is recorded in an audit log, so that tests can count the writes of each user.
"""

import json
import secrets
import signal
import time
import urllib.request
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from cluster import kubeconfig
from cluster.box import Box
from cluster.client import ApiError, Client
from servers.processes import free_ports

ADMIN, MANAGER, SCHEDULER, PROXY, HELPER = (
    "admin",
    "system:kube-controller-manager",
    "system:kube-scheduler",
    "system:kube-proxy",
    "cluster-helper",
)
GROUPS = {ADMIN: "system:masters", HELPER: "system:masters"}
WRITES = ("create", "update", "patch", "delete", "deletecollection")
READS = ("get", "list")
AUDIT = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "userGroups": ["system:nodes", "system:masters", "system:serviceaccounts:kube-system"]},
        {"level": "None", "users": [MANAGER, SCHEDULER, PROXY]},
        {"level": "Metadata", "verbs": [*WRITES]},
        {"level": "Metadata", "userGroups": ["system:serviceaccounts"], "verbs": [*READS]},
    ],
}


@dataclass
class ControlPlane:
    """A control plane in a box. `start` first; it ends with the box."""

    box: Box
    programs: Path
    nodes: tuple[str, ...] = ()
    """Nodes whose kubelets have a token."""
    tokens: dict[str, str] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return self.box.folder

    @property
    def address(self) -> str:
        return str(self.box.instance.box_address) if self.box.closed else "127.0.0.1"

    @property
    def server(self) -> str:
        return f"https://{self.address}:{self.ports['api']}"

    @property
    def kubeconfig(self) -> Path:
        """Kubeconfig of the administrator."""
        return self.folder / f"{ADMIN}.kubeconfig"

    @cached_property
    def client(self) -> Client:
        return Client(self.kubeconfig)

    def start(self) -> None:
        """Start everything and wait until the API server is ready. Raises RuntimeError with the end of a log."""
        names = ("api", "etcd", "peer", "manager", "scheduler")
        ports = (6443, 2379, 2380, 10257, 10259) if self.box.closed else free_ports(5)
        self.ports = dict(zip(names, ports, strict=True))
        users = (ADMIN, MANAGER, SCHEDULER, PROXY, HELPER, *(f"system:node:{name}" for name in self.nodes))
        self.tokens = {user: secrets.token_hex(16) for user in users}
        rows = [
            f'{token},{user},{user},"{GROUPS.get(user, "system:nodes" if user.startswith("system:node:") else "")}"'
            for user, token in self.tokens.items()
        ]
        (self.folder / "tokens.csv").touch(mode=0o600)
        (self.folder / "tokens.csv").write_text("\n".join(rows) + "\n")
        (self.folder / "audit.yaml").write_text(json.dumps(AUDIT))
        self.box.start("etcd", *self._etcd())
        from Crypto.PublicKey import RSA  # imported here because it takes 0.3 s

        (self.folder / "accounts.pem").write_bytes(RSA.generate(2048).export_key("PEM"))
        self.box.start("kube-apiserver", *self._api_server())
        self._await_certificate()
        for user in self.tokens:
            self.access(user)
        self.await_ready()
        self.box.start("kube-controller-manager", *self._manager())
        self.box.start("kube-scheduler", *self._scheduler())

    def access(self, user: str) -> Path:
        """Kubeconfig of one of the users."""
        ca = (self.folder / "certificates" / "apiserver.crt").read_text()
        path = self.folder / f"{user.replace(':', '-')}.kubeconfig"
        return kubeconfig.write(path, kubeconfig.Access(self.server, self.tokens[user], ca))

    def await_ready(self, seconds: float = 300) -> None:
        """Wait until the API server reports that it is ready."""
        end = time.monotonic() + seconds
        while True:
            try:
                if self.client.raw("GET", "/readyz") == b"ok":
                    return
            except (ApiError, OSError) as error:
                problem = str(error)
            if not self.box.running("kube-apiserver") or time.monotonic() > end:
                raise RuntimeError(f"the API server is not ready ({problem}):\n{self.box.log('kube-apiserver')}")
            time.sleep(0.1)

    def restart(self, program: str) -> None:
        """Kill one of the programs and start it again."""
        self.box.signal(program, signal.SIGKILL)
        self.box.again(program)
        if program in ("etcd", "kube-apiserver"):
            self.await_ready()

    def forget_history(self) -> None:
        """Compact etcd to the last version, as it does every few minutes, so that older watches get 410."""
        etcd = f"http://127.0.0.1:{self.ports['etcd']}/v3/kv"

        def ask(verb: str, body: dict[str, Any]) -> dict[str, Any]:
            request = urllib.request.Request(f"{etcd}/{verb}", json.dumps(body).encode())
            with urllib.request.urlopen(request, timeout=300) as answer:
                found: dict[str, Any] = json.loads(answer.read())
                return found

        now = ask("range", {"key": "AA==", "limit": "1"})["header"]["revision"]
        ask("compaction", {"revision": now, "physical": True})

    def freeze(self, program: str) -> None:
        """Stop a program, as if it hung, until `thaw`."""
        self.box.signal(program, signal.SIGSTOP)

    def thaw(self, program: str) -> None:
        self.box.signal(program, signal.SIGCONT)

    def audit(self, user: str) -> list[dict[str, Any]]:
        """Writes of a user so far, oldest first, as audit events (`verb`, `objectRef`, `responseStatus`)."""
        return self._audited(user, WRITES)

    def reads(self, user: str) -> list[dict[str, Any]]:
        """Reads of objects by a service account so far, as audit events, without watches."""
        return [event for event in self._audited(user, READS) if "objectRef" in event]

    def _audited(self, user: str, verbs: tuple[str, ...]) -> list[dict[str, Any]]:
        complete, _, _ = (self.folder / "audit.log").read_text().rpartition("\n")  # a line may be half written
        events = map(json.loads, complete.splitlines())
        return [event for event in events if event["user"]["username"] == user and event["verb"] in verbs]

    def _await_certificate(self) -> None:
        path, end = self.folder / "certificates" / "apiserver.crt", time.monotonic() + 300
        while not path.exists():
            if not self.box.running("kube-apiserver") or time.monotonic() > end:
                raise RuntimeError(f"the API server did not start:\n{self.box.log('kube-apiserver')}")
            time.sleep(0.05)
        time.sleep(0.05)

    def _etcd(self) -> list[str]:
        client, peer = (f"http://127.0.0.1:{self.ports[name]}" for name in ("etcd", "peer"))
        return [
            str(self.programs / "etcd"), "--data-dir", str(self.folder / "etcd"), "--unsafe-no-fsync",
            "--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer,
            "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}",
            "--quota-backend-bytes", "8000000000", "--log-level", "warn",
        ]  # fmt: skip

    def _api_server(self) -> list[str]:
        services = str(self.box.instance.services)
        alone = [] if self.box.closed else ["--endpoint-reconciler-type", "none"]
        return [
            str(self.programs / "kube-apiserver"), "--etcd-servers", f"http://127.0.0.1:{self.ports['etcd']}",
            "--bind-address", "0.0.0.0" if self.box.closed else "127.0.0.1", *alone,
            "--advertise-address", self.address, "--secure-port", str(self.ports["api"]),
            "--cert-dir", str(self.folder / "certificates"),
            "--service-cluster-ip-range", services, "--kubelet-preferred-address-types", "InternalIP",
            "--service-account-issuer", "https://kubernetes.default.svc.cluster.local",
            "--service-account-signing-key-file", str(self.folder / "accounts.pem"),
            "--service-account-key-file", str(self.folder / "accounts.pem"),
            "--token-auth-file", str(self.folder / "tokens.csv"), "--authorization-mode", "Node,RBAC",
            "--enable-admission-plugins", "NodeRestriction", "--allow-privileged", "--profiling=false",
            "--default-not-ready-toleration-seconds", "10", "--default-unreachable-toleration-seconds", "10",
            "--audit-policy-file", str(self.folder / "audit.yaml"), "--audit-log-path", str(self.folder / "audit.log"),
        ]  # fmt: skip

    def _manager(self) -> list[str]:
        config = str(self.access(MANAGER))
        return [
            str(self.programs / "kube-controller-manager"), "--kubeconfig", config,
            "--authentication-kubeconfig", config, "--authorization-kubeconfig", config,
            "--service-account-private-key-file", str(self.folder / "accounts.pem"),
            "--root-ca-file", str(self.folder / "certificates" / "apiserver.crt"), "--use-service-account-credentials",
            "--bind-address", "127.0.0.1", "--secure-port", str(self.ports["manager"]), "--leader-elect=false",
            "--cert-dir", str(self.folder / "manager"), "--node-monitor-grace-period", "30s",
            "--concurrent-job-syncs", "20", "--kube-api-qps", "300", "--kube-api-burst", "500",
        ]  # fmt: skip

    def _scheduler(self) -> list[str]:
        config = str(self.access(SCHEDULER))
        return [
            str(self.programs / "kube-scheduler"), "--kubeconfig", config, "--authentication-kubeconfig", config,
            "--authorization-kubeconfig", config, "--bind-address", "127.0.0.1",
            "--secure-port", str(self.ports["scheduler"]), "--cert-dir", str(self.folder / "scheduler"),
            "--leader-elect=false", "--kube-api-qps", "300", "--kube-api-burst", "500",
        ]  # fmt: skip

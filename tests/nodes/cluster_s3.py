"""An S3 server in a pod of the cluster, behind a Service: MinIO or SeaweedFS, the programs of the store tier.

The program and the data lie on the machine and are mounted, so the pod can go and come back with what it held.
"""

import io
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from minio import Minio

from cluster.client import Client
from cluster.nodes import Cluster
from cluster.pods import condition
from images import built
from reelmill.contract.task import Connection, StoreRef
from reelmill_stages.store import Store
from reelmill_stages.store.open import open_store
from servers import install
from servers.s3_servers import KEY, SECRET

PORT = 9000
ENV = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
MINIO, SEAWEEDFS = "minio", "seaweedfs"
_WEED = """{"identities": [{"name": "%s", "credentials": [{"accessKey": "%s", "secretKey": "%s"}],
"actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}"""


class ClusterS3:
    """The Service `s3` of a namespace and the pod behind it."""

    def __init__(self, cluster: Cluster, kind: str, namespace: str) -> None:
        self.kind, self.namespace = kind, namespace
        self.client: Client = cluster.client
        self._data = cluster.plane.folder / f"s3-{kind}-{namespace}"
        self._data.mkdir(exist_ok=True)
        self._known: set[str] = set()
        self.written: set[str] = set()
        """URIs that `put` wrote."""
        self.client.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        self.client.wait(lambda: self.client.find("ServiceAccount", "default", namespace), 60, "a service account")
        ports = [{"port": PORT, "targetPort": PORT}]
        service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s3"}}
        self.client.apply({**service, "spec": {"selector": {"app": "s3"}, "ports": ports}}, namespace)

    @property
    def endpoint(self) -> str:
        """Where pods reach it."""
        return f"http://s3.{self.namespace}.svc:{PORT}"

    @property
    def outside(self) -> str:
        """Where this machine reaches it; another address after every start."""
        return f"http://{self.client.get('v1/Pod', 's3', self.namespace)['status']['podIP']}:{PORT}"

    def start(self) -> "ClusterS3":
        """Start the pod, and wait until it serves."""
        self.client.apply(self._pod(), self.namespace)
        self.client.wait_for("v1/Pod", "s3", self.namespace, lambda pod: condition(pod, "Ready"), 180, "the S3 server")
        return self

    def stop(self) -> None:
        """Kill it: connections are refused from now on."""
        self.client.delete("v1/Pod", "s3", self.namespace, grace=0)

    def put(self, uri: str, data: bytes | Path) -> None:
        """Write an object, `s3://bucket/key`; its bucket is made if need be."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        self.make_bucket(bucket)
        body = data.read_bytes() if isinstance(data, Path) else data
        self._minio().put_object(bucket_name=bucket, object_name=key, data=io.BytesIO(body), length=len(body))
        self.written.add(uri)

    def make_bucket(self, name: str = "") -> str:
        """A bucket, with room for its first objects."""
        name = name or f"b-{uuid.uuid4().hex[:12]}"
        if name not in self._known:
            client = self._minio()
            if not client.bucket_exists(bucket_name=name):
                client.make_bucket(bucket_name=name)
            client.put_object(bucket_name=name, object_name="first", data=io.BytesIO(b"-"), length=1)
            client.remove_object(bucket_name=name, object_name="first")
            self._known.add(name)
        return name

    def store(self, uri: str) -> Store:
        """A client of a store in it, from this machine."""
        return open_store(StoreRef(uri=uri, connection=Connection(endpoint=self.outside)), env=ENV)

    def secrets(self, names: Iterable[str]) -> list[dict[str, Any]]:
        """Its keys as Secrets."""
        secret = {"apiVersion": "v1", "kind": "Secret", "stringData": ENV}
        return [{**secret, "metadata": {"name": name}} for name in sorted(names)]

    def _minio(self) -> Minio:
        host = self.outside.removeprefix("http://")
        return Minio(endpoint=host, access_key=KEY, secret_key=SECRET, secure=False, region="us-east-1")

    def _pod(self) -> dict[str, Any]:
        if self.kind == MINIO:
            program, health = install.minio(), "/minio/health/ready"
            command = ["/program", "server", "--quiet", "--address", f":{PORT}", "/data/objects"]
            variables = {"MINIO_ROOT_USER": KEY, "MINIO_ROOT_PASSWORD": SECRET, "MINIO_BROWSER": "off"}
        else:
            program, health, variables = install.seaweedfs(), "/healthz", {}
            (self._data / "s3.json").write_text(_WEED % (KEY, KEY, SECRET))
            (self._data / "objects").mkdir(exist_ok=True)
            command = [
                *("/program", "-logtostderr=true", "server", "-dir=/data/objects", "-ip=127.0.0.1", "-ip.bind=0.0.0.0"),
                *("-master.volumeSizeLimitMB=256", "-volume.max=500", "-filer", "-s3", f"-s3.port={PORT}"),
                *("-s3.config=/data/s3.json", "-s3.autoCreateBucket=false", "-s3.port.iceberg=0", "-s3.port.lance=0"),
            ]
        volumes = {"program": (program, "File"), "data": (self._data, "Directory")}
        container = {
            "name": "s3",
            # For its C library: MinIO may be linked to one.
            "image": built.reference("stages-cpu"),
            "imagePullPolicy": "Never",
            "command": command,
            "env": [{"name": name, "value": value} for name, value in {**variables, "HOME": "/data"}.items()],
            "readinessProbe": {"httpGet": {"path": health, "port": PORT}, "periodSeconds": 1},
            "securityContext": {"runAsUser": 0},
            "volumeMounts": [{"name": name, "mountPath": f"/{name}"} for name in volumes],
        }
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "s3", "labels": {"app": "s3"}},
            "spec": {
                "nodeSelector": {"kubernetes.io/hostname": "reel-cpu"},
                "automountServiceAccountToken": False,
                "enableServiceLinks": False,
                "terminationGracePeriodSeconds": 1,
                "containers": [container],
                "volumes": [
                    {"name": name, "hostPath": {"path": str(path), "type": kind}}
                    for name, (path, kind) in volumes.items()
                ],
            },
        }

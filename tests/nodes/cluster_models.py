"""A model server in a pod of the cluster, at the address that the samples name: `http://vllm.models:8000/v1`.

It is the program of the store tier, which speaks the protocol of OpenAI's API; the machine's file is mounted.
"""

from typing import Any

from cluster.client import Client
from cluster.nodes import Cluster
from cluster.pods import condition
from images import built
from servers.models import PROGRAM

NAMESPACE, NAME, PORT = "models", "vllm", 8000
_METADATA = {"name": NAME, "labels": {"app": NAME}}


class ClusterModels:
    """The Service and the pod behind it, which knows one model."""

    def __init__(self, cluster: Cluster, model: str) -> None:
        self._client: Client = cluster.client
        self._model = model

    @property
    def outside(self) -> str:
        """Where this machine reaches it."""
        address = self._client.get("v1/Pod", NAME, NAMESPACE)["status"]["podIP"]
        return f"http://{address}:{PORT}/v1"

    def start(self) -> "ClusterModels":
        """Start it, and wait until it serves."""
        client = self._client
        client.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        client.wait(lambda: client.find("ServiceAccount", "default", NAMESPACE), 60, "a service account")
        service = {"selector": {"app": NAME}, "ports": [{"port": PORT}]}
        client.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": NAME}, "spec": service}, NAMESPACE)
        client.apply(self._pod(), NAMESPACE)
        client.wait_for("v1/Pod", NAME, NAMESPACE, lambda pod: condition(pod, "Ready"), 180, "the model server")
        return self

    def _pod(self) -> dict[str, Any]:
        container = {
            "name": NAME,
            "image": built.reference("stages-cpu"),
            "imagePullPolicy": "Never",
            "command": ["python", "/program", str(PORT), "--host", "0.0.0.0", "--model", self._model],
            "readinessProbe": {"httpGet": {"path": "/log", "port": PORT}, "periodSeconds": 1},
            "volumeMounts": [{"name": "program", "mountPath": "/program", "readOnly": True}],
        }
        volume = {"name": "program", "hostPath": {"path": str(PROGRAM), "type": "File"}}
        spec = {"containers": [container], "volumes": [volume], "terminationGracePeriodSeconds": 1}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": _METADATA,
            "spec": {**spec, "automountServiceAccountToken": False, "enableServiceLinks": False},
        }

"""Reading and writing of kubeconfig files: server, trusted CA and credentials."""

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Access:
    """Server and credentials of a user: a token, or those of a kubeconfig."""

    server: str
    token: str
    ca: str = ""
    """PEM."""
    certificate: str = ""
    key: str = ""


def write(path: Path, access: Access, namespace: str = "default") -> Path:
    """Write a kubeconfig that only its owner can read."""
    cluster: dict[str, Any] = {"server": access.server}
    cluster["certificate-authority-data"] = base64.b64encode(access.ca.encode()).decode()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "reelmill", "cluster": cluster}],
        "users": [{"name": "user", "user": {"token": access.token}}],
        "contexts": [{"name": "reelmill", "context": {"cluster": "reelmill", "user": "user", "namespace": namespace}}],
        "current-context": "reelmill",
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(config, indent=1))
    return path


def read(path: Path) -> Access:
    """The current context of a kubeconfig with a token or a client certificate. Raises ValueError for others."""
    config = yaml.safe_load(path.read_text())

    def named(kind: str, name: str) -> dict[str, Any]:
        found: dict[str, Any] = next(each for each in config[f"{kind}s"] if each["name"] == name)
        return found[kind]  # type: ignore[no-any-return]

    def pem(node: dict[str, Any], field: str) -> str:
        if data := node.get(f"{field}-data"):
            return base64.b64decode(data).decode()
        return (path.parent / node[field]).read_text() if node.get(field) else ""

    context = named("context", config["current-context"])
    cluster, user = named("cluster", context["cluster"]), named("user", context["user"])
    access = Access(
        server=cluster["server"],
        token=user.get("token", ""),
        ca=pem(cluster, "certificate-authority"),
        certificate=pem(user, "client-certificate"),
        key=pem(user, "client-key"),
    )
    if not access.token and not access.certificate:
        raise ValueError(f"{path}: the user has neither a token nor a client certificate (exec plug-ins are not read)")
    return access

"""The command line as a person has it, with a kubeconfig and a namespace of their own."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from cli.terminal import Said, reelmill
from cluster import kubeconfig
from cluster.client import Client
from cluster.kubectl import find
from reelmill.schema.crd import GROUP, PLURAL

PROGRAMS = Path(sys.executable).parent
LOOK: dict[str, object] = {"apiGroups": [GROUP], "resources": [PLURAL], "verbs": ["get", "list"]}


@dataclass(frozen=True)
class Person:
    """Somebody with a kubeconfig and a namespace."""

    config: Path
    namespace: str
    folder: Path

    def reelmill(self, *arguments: object) -> Said:
        """In this process."""
        return reelmill(*arguments, "--kubeconfig", self.config)

    def kubectl_reelmill(self, *arguments: object) -> Said:
        """As kubectl's plugin, found on PATH."""
        done = subprocess.run(
            [str(find()), "reelmill", *map(str, arguments)],
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=300,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def environment(self) -> dict[str, str]:
        """That of their shell, in which `reelmill` and this kubeconfig are found."""
        path = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
        return {**os.environ, "PATH": path, "KUBECONFIG": str(self.config)}

    def file(self, document: dict[str, object], name: str = "pipeline.yaml") -> Path:
        path = self.folder / name
        path.write_text(yaml.safe_dump(document))
        return path


def person(config: Path, namespace: str, folder: Path) -> Person:
    """Whoever a kubeconfig is of, with its context's namespace set to the given one."""
    document = yaml.safe_load(config.read_text())
    for context in document["contexts"]:
        context["context"]["namespace"] = namespace
    mine = folder / f"{namespace}-person.kubeconfig"
    mine.write_text(yaml.safe_dump(document))
    return Person(mine, namespace, folder)


def reader(client: Client, namespace: str, folder: Path, rules: Sequence[dict[str, object]] = (LOOK,)) -> Person:
    """Somebody who may look at pipelines of the namespace, and nothing else unless `rules` say so."""
    api, name = "rbac.authorization.k8s.io", "reader"
    metadata = {"name": name, "namespace": namespace}
    for document in (
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
        {"apiVersion": f"{api}/v1", "kind": "Role", "metadata": metadata, "rules": list(rules)},
        {
            "apiVersion": f"{api}/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "subjects": [{"kind": "ServiceAccount", **metadata}],
            "roleRef": {"apiGroup": api, "kind": "Role", "name": name},
        },
    ):
        client.apply(document, namespace)
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 7200}}
    token = client.json("POST", client.path("v1/ServiceAccount", namespace, name, "token"), asked)["status"]["token"]
    config = kubeconfig.write(
        folder / "reader.kubeconfig", kubeconfig.Access(client.access.server, token, client.access.ca)
    )
    return person(config, namespace, folder)

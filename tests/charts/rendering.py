"""What helm and kustomize make of the repository, as objects."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster import build, kubectl
from cluster.unavailable import Unavailable
from repo.tree import ROOT

CHART = ROOT / "charts/reelmill"
NAMESPACE = "reelmill-system"
Json = dict[str, Any]


class Refused(Exception):
    """helm says that the values are wrong; the message is helm's."""


def helm(*words: str) -> str:
    """helm's answer. Raises Refused where it ends with an error."""
    done = subprocess.run([str(program("helm")), *words], capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        raise Refused(done.stdout + done.stderr)
    return done.stdout


def chart(values: Json | None = None, *, release: str = "reelmill", namespace: str = NAMESPACE) -> dict[str, Json]:
    """The chart's objects by `Kind/name`, as installed with the values."""
    given = ["--values", "-"] if values else []
    command = [str(program("helm")), "template", release, str(CHART), "--namespace", namespace]
    command += ["--kube-version", build.KUBERNETES, *given]
    done = subprocess.run(command, capture_output=True, text=True, input=json.dumps(values or {}))
    if done.returncode:
        raise Refused(done.stderr)
    return objects(done.stdout, namespace)


def kustomize(folder: str) -> dict[str, Json]:
    """A kustomization's objects by `Kind/name`."""
    command = [str(program("kubectl")), "kustomize", str(ROOT / "manifests" / folder)]
    return objects(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def objects(text: str, namespace: str = NAMESPACE) -> dict[str, Json]:
    """Objects of a YAML stream by `Kind/name`; with their namespace before it where it is another one."""
    found: dict[str, Json] = {}
    for one in filter(None, yaml.safe_load_all(text)):
        metadata = one["metadata"]
        elsewhere = "" if metadata.get("namespace", namespace) == namespace else metadata["namespace"] + "/"
        key = f"{elsewhere}{one['kind']}/{metadata['name']}"
        assert key not in found, key
        found[key] = one
    return found


def container(deployment: Json) -> Json:
    """The operator's container."""
    (only,) = deployment["spec"]["template"]["spec"]["containers"]
    return dict(only)


def environment(deployment: Json) -> dict[str, Any]:
    """The operator's variables: their value, or where it comes from."""
    return {one["name"]: one.get("value", one.get("valueFrom")) for one in container(deployment)["env"]}


def program(name: str) -> Path:
    """A program of the tier `control-plane`. Skips the test where it is missing."""
    try:
        return kubectl.find() if name == "kubectl" else build.find((name,)) / name
    except Unavailable as problem:
        required = os.environ.get("REELMILL_REQUIRE", "")
        (pytest.fail if "control-plane" in required else pytest.skip)(str(problem))

"""Every value of the chart has an effect: the chart with another value renders other objects."""

import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import pytest
import yaml

from charts.rendering import CHART, Json, program
from cluster import build

pytestmark = pytest.mark.control_plane
EVERYTHING: Json = {
    "replicas": 2,
    "admissionPolicy": {"enabled": True},
    "metrics": {name: {"enabled": True} for name in ("service", "serviceMonitor", "alerts", "dashboard")},
    "dashboard": {"enabled": True, "store": {"uri": "s3://bucket"}},
    "networkPolicy": {"enabled": True},
}
"""Without it, the values of what is off have no effect."""
ONLY_WITH: dict[str, Json] = {
    "namespaces": {"scope": "namespaced"},
    "leaderElection.enabled": {"replicas": 1},
    "metrics.service.enabled": {"metrics": {"serviceMonitor": {"enabled": False}}},
}
"""Values that are valid only with others."""
CHOSEN: Json = {
    "image.digest": "sha256:" + "0" * 64,
    "stages.image.digest": "sha256:" + "0" * 64,
    "stages.embedImage.digest": "sha256:" + "0" * 64,
    "dashboard.image.digest": "sha256:" + "0" * 64,
    "settings.openlineage": "http://marquez:5000",
    "settings.tracesEndpoint": "http://otel:4318",
    "settings.prices": {"cpuHour": 1},
    "dashboard.store.uri": "gs://other",
    "dashboard.store.endpoint": "http://minio:9000",
    "dashboard.rootPath": "/reels",
    "dashboard.trustedProxies": ["10.0.0.0/8"],
    "dashboard.scratchSize": "1Gi",
    "policy.maxResources": {"cpu": 1},
    "policy.allowedNodes": {"pool": ["video"]},
    "metrics.serviceMonitor.interval": "7s",
    "podDisruptionBudget.maxUnavailable": "50%",
    "test.pipeline": {"store": {"uri": "s3://bucket"}},
    "extraVolumes": [{"name": "ca", "emptyDir": {}}],
    "extraVolumeMounts": [{"name": "ca", "mountPath": "/ca"}],
    "dashboard.extraVolumes": [{"name": "ca", "emptyDir": {}}],
    "dashboard.extraVolumeMounts": [{"name": "ca", "mountPath": "/ca"}],
    "topologySpreadConstraints": [{"maxSkew": 1}],
}
"""Other values than the defaults, where the schema does not give one."""
UNUSED = {"global"}
"""Helm gives it to every chart."""


def leaves(schema: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    """Each value that has no parts of its own, with its schema."""
    for name, part in schema.get("properties", {}).items():
        whole = f"{path}.{name}" if path else name
        if part.get("properties") and whole not in CHOSEN:
            yield from leaves(part, whole)
        elif whole not in UNUSED:
            yield whole, part


def another(path: str, schema: Json, default: Any) -> Any:
    """A valid value other than the default."""
    if path in CHOSEN:
        return CHOSEN[path]
    if "enum" in schema:
        return next(value for value in schema["enum"] if value != default)
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "array":
        items = schema.get("items", {})
        if "enum" in items:
            return [next(value for value in items["enum"] if [value] != default)]
        return [{"integer": 1234, "object": {"name": "other"}}.get(items.get("type"), "other")]
    if kind in ("integer", "number"):
        return (default or 1) + 1
    return {"boolean": not default, "object": {"other": "1"}}.get(str(kind), "other")


def at(values: Any, path: str) -> Any:
    for name in path.split("."):
        values = values.get(name) if isinstance(values, dict) else None
    return values


def merged(below: Json, above: Json) -> Json:
    both = {**below}
    for name, value in above.items():
        known = both.get(name)
        both[name] = merged(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return both


def nested(path: str, value: Any) -> Json:
    for name in reversed(path.split(".")):
        value = {name: value}
    return dict(value)


@lru_cache(maxsize=8)
def rendered(values: str) -> str:
    """The chart with these values, which are JSON."""
    command = [str(program("helm")), "template", "reelmill", str(CHART), "--kube-version", build.KUBERNETES]
    command += ["--namespace", "there", "--values", "-"]
    done = subprocess.run(command, capture_output=True, text=True, input=values)
    assert done.returncode == 0, (values, done.stderr)
    return done.stdout


def test_every_value_changes_what_is_installed() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())

    def has_effect(leaf: tuple[str, Json]) -> bool:
        path, part = leaf
        base = merged(EVERYTHING, ONLY_WITH.get(path, {}))
        default = at(merged(defaults, base), path)
        other = another(path, part, part.get("default") if default is None else default)
        return rendered(json.dumps(base)) != rendered(json.dumps(merged(base, nested(path, other))))

    found = list(leaves(schema))
    assert len(found) > 100
    with ThreadPoolExecutor(2) as pool:
        ignored = [path for (path, _), effect in zip(found, pool.map(has_effect, found), strict=True) if not effect]
    assert ignored == []

"""Credentials in every field of a resource that can carry one, and in what kubelets and steps say about it: none is in
the status, events, Jobs, logs, metrics, pages of the dashboard, or in what the commands print.
"""

import gzip
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from canaries.traces import found
from cluster.control_plane import ControlPlane
from control_plane.commands import person
from control_plane.operators import running, until
from control_plane.pipelines import Desk, resource
from dashboard.crawl import crawled
from dashboard.places import page
from reelmill.cli.cluster.cluster_pipelines import ClusterPipelines
from reelmill.cli.input.options import ClusterOptions
from reelmill.contract.log import JsonFormatter
from reelmill.contract.task import Failure, Task
from reelmill.controller.state.queue import WorkQueue
from symbolic_stages import SymbolicStore

pytestmark = pytest.mark.control_plane
VALUES = {
    "a key of the store's Secret": "canary-of-the-store",
    "a key of a source's Secret": "canary-of-the-source",
    "a variable's Secret": "canary-of-a-variable",
}
IN_TEXT = {
    "a password in a URL": "canary-password",
    "a signature in a URL": "canary-signature",
    "a token in a URL": "canary-token",
}
URL = "https://me:canary-password@host.example/x?X-Amz-Signature=canary-signature"


class Talkative(SymbolicStore):
    """Steps whose errors name a signed URL, as those of an image of an author may."""

    def fail(self, task: Task, code: int) -> tuple[int, str]:
        message = f"Max retries exceeded with url: /b/k?X-Amz-Signature=canary-signature for {URL}"
        hint = "look at https://host.example/#access_token=canary-token"
        return code, Failure(step=task.step, error="StoreError", message=message, hint=hint).model_dump_json()


def secret(name: str, value: str) -> dict[str, Any]:
    keys = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "TOKEN"), value)
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": keys}


def test_no_credential_is_in_what_a_cluster_keeps_of_a_pipeline(
    desk: Desk,
    config: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    defined: ControlPlane,
) -> None:
    canaries = VALUES | IN_TEXT
    for name, value in zip(("store", "source", "variable"), VALUES.values(), strict=True):
        desk.client.apply(secret(name, value), desk.namespace)
    keyed = resource(
        store={"uri": "s3://out/demo", "secretRef": {"name": "store"}},
        sources=[{"name": "raw", "files": {"uri": "s3://in/videos/"}, "s3": {"secretRef": {"name": "source"}}}],
    )
    keyed["spec"]["defaults"]["env"] = [{"name": "TOKEN", "secretRef": {"name": "variable"}}]
    userinfo = resource("userinfo", store={"uri": "s3://out/b", "endpoint": URL})
    pull, failing = (resource(name, store={"uri": f"s3://out/{name}"}) for name in ("pull", "failing"))
    desk.kubelet.store = Talkative(bucket={"raw": ["v1", "v2"]})
    desk.kubelet.waiting = {"pull": ("ImagePullBackOff", f'Back-off pulling image: Get "{URL}": unauthorized')}
    caplog.set_level(logging.DEBUG)
    person_ = person(desk.client.config, desk.namespace, tmp_path)
    kept_texts: dict[str, str] = {}
    lineage = tmp_path / "lineage.jsonl"
    with running(config, namespaces=(desk.namespace,), openlineage=str(lineage)) as one:
        desk.apply(keyed)
        desk.wait_for("Complete")
        for document in (userinfo, pull):
            desk.apply(document)
        desk.wait_for("Failed", "userinfo")
        until(lambda: "ImagePull" in json.dumps(desk.get("pull").get("status", {})), 60, "the kubelet's words")
        desk.kubelet.store.exits["", "survey"] = [64] * 100
        desk.apply(failing)
        desk.wait_for("Failed", "failing")
        until(lambda: desk.client.list("v1/Event", desk.namespace), 60, "events")
        for name in ("demo", "userinfo", "pull", "failing"):
            kept_texts[f"status of {name}"] = json.dumps(desk.get(name).get("status"))
            for words in ("status", "why", "events"):
                said = person_.reelmill(words, name)
                kept_texts[f"{words} {name}"] = said.out + said.err
            bundle = tmp_path / f"{name}.tar.gz"
            assert person_.reelmill("support-bundle", name, "-o", bundle).code == 0
            kept_texts[f"support bundle of {name}"] = gzip.decompress(bundle.read_bytes()).decode()
        place = ClusterOptions(kubeconfig=str(person_.config))
        with ClusterPipelines(place, everywhere=False) as seen, page(tmp_path / "scratch", pipelines=seen) as client:
            kept_texts |= {f"dashboard {address}": text for address, text in crawled(client).items()}
        events = desk.client.list("v1/Event", desk.namespace)
        ours = [each for each in events if each["involvedObject"]["kind"] == "VideoPipeline"]
        kept_texts["events"] = json.dumps(ours)
        kept_texts["Jobs"] = json.dumps(desk.jobs())
        kept_texts["metrics"] = one.operator.metrics.text(
            one.operator.cache, WorkQueue(clock=float, chance=float)
        ).decode()
    kept_texts["log"] = "\n".join(
        JsonFormatter().format(record) for record in caplog.records if "reelmill" in record.name
    )
    kept_texts["OpenLineage events"] = lineage.read_text()
    assert "SpecInvalid" in kept_texts["status of userinfo"]
    assert "host.example" in kept_texts["OpenLineage events"]
    assert "host.example" in kept_texts["status of failing"]
    assert "ImagePull" in kept_texts["why pull"]
    assert "host.example" in kept_texts[f"dashboard /api/v1/pipelines/{desk.namespace}/failing"]
    assert "secretKeyRef" in kept_texts["Jobs"], "Secrets are named"
    assert {where: found(text, canaries) for where, text in kept_texts.items() if found(text, canaries)} == {}

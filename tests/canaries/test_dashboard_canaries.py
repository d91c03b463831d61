"""Credentials in every place of a pipeline, its code and its errors that can carry one: no page of the dashboard, no
answer of its API and no report shows one.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from canaries.traces import found, traces
from dashboard.crawl import crawled
from dashboard.places import page
from e2e.workshop import film

pytestmark = pytest.mark.store  # needs no server, but runs a pipeline
CANARIES = {
    name: f"canary-{name.replace(' ', '-')}"
    for name in (
        *("annotation", "default variable", "variable", "parameter", "nested parameter", "password", "comment"),
        *("userinfo", "signature", "bearer", "assignment", "key of a service"),
    )
}
WORDS = (
    f"at https://me:{CANARIES['userinfo']}@host.example/x?X-Amz-Signature={CANARIES['signature']} with"
    f" Authorization: Bearer {CANARIES['bearer']}, password={CANARIES['assignment']}, sk-{CANARIES['key of a service']}"
)
MODULE = f"""
import logging
import sys

from reelmill_stages.stage import Done, Failed, Filtered, NewItem, Stage, StageBlock

__reelmill__ = ["Talk"]
WORDS = {WORDS!r}

class TalkBlock(StageBlock):
    login: str
    more: dict[str, str]

class Talk(Stage):
    block_type = TalkBlock

    def process(self, group, work):
        logging.getLogger("talk").warning("asked %s", WORDS)
        print("printed", WORDS)
        print("complained", WORDS, file=sys.stderr)
        return [self.one(given.item) for given in group]

    def one(self, item):
        if "failed" in item.key:
            return Failed("refused", "refused " + WORDS)
        if "filtered" in item.key:
            return Filtered("unwanted", "unwanted " + WORDS)
        if "raises" in item.key:
            raise RuntimeError("raised " + WORDS)
        return Done((NewItem(item.key, item.group, item.weight, media=item.media),))
"""


def written(folder: Path) -> Path:
    """A pipeline file with a canary wherever one fits, and its films."""
    (folder / "modules").mkdir()
    (folder / "modules/talk.py").write_text(MODULE)
    (folder / "videos").mkdir()
    for name in ("good", "failed", "filtered", "raises"):
        (folder / f"videos/{name}.mp4").write_bytes(film().read_bytes())
    params = {"login": CANARIES["parameter"], "more": {"x": CANARIES["nested parameter"]}}
    stage = {
        "name": "talk",
        "run": {"entrypoint": "talk:Talk", "image": "i", "params": params},
        "failures": {"tolerate": "100%"},
        "env": [{"name": "TOKEN", "value": CANARIES["variable"]}],
    }
    document = {
        "apiVersion": "reelmill.dev/v1alpha1",
        "kind": "VideoPipeline",
        "metadata": {
            "name": "talks",
            "annotations": {
                "example.test/webhook": CANARIES["annotation"],
                "example.test/password": CANARIES["password"],
            },
        },
        "spec": {
            "store": {"uri": str(folder / "store")},
            "sources": [{"name": "raw", "files": {"uri": f"{folder}/videos/"}}],
            "defaults": {"env": [{"name": "LEVEL", "value": CANARIES["default variable"]}]},
            "stages": [stage, {"name": "clips", "clip": {"by": "length", "length": "1s"}}],
        },
    }
    path = folder / "pipeline.yaml"
    path.write_text(yaml.safe_dump(document) + f"# was https://me:{CANARIES['comment']}@host.example/\n")
    return path


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run."""
    folder = tmp_path_factory.mktemp("talks")
    command = [sys.executable, "-m", "reelmill.cli", "run", str(written(folder))]
    environment = {**os.environ, "PYTHONPATH": str(folder / "modules"), "XDG_STATE_HOME": str(folder / "state")}
    environment["REELMILL_RUN_REPORTS"] = "true"
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (log,) = (folder / "store/talk").rglob("logs/0*.jsonl")
    log.write_text(log.read_text() + json.dumps({"level": "warning", "msg": f"asked {WORDS}"}) + f"\nprinted {WORDS}\n")
    return folder


@pytest.mark.parametrize("shown", ["file", "store"])
def test_no_page_and_no_answer_of_the_api_shows_a_credential(ran: Path, tmp_path: Path, shown: str) -> None:
    place = {"file": {"file": ran / "pipeline.yaml"}, "store": {"store": str(ran / "store")}}[shown]
    with page(tmp_path, **place) as client:
        told = crawled(client)
    base = "/pipelines/default/talks"
    for address in (
        "/",
        base,
        f"{base}/report",
        f"{base}/yaml",
        f"{base}/stages/talk/losses",
        f"{base}/stages/talk/logs",
    ):
        assert told[address].startswith("200 "), address
    api = f"/api/v1{base}/stages/talk"
    assert {f"{api}/logs", f"{api}/losses", f"{api}/items/0", f"/api/v1{base}/document"} <= set(told)
    assert "refused at" in told[f"{api}/losses"]
    assert "asked at" in told[f"{api}/logs"]
    assert "printed at" in told[f"{api}/logs"]
    assert {address: found(text, CANARIES) for address, text in told.items() if found(text, CANARIES)} == {}


def test_no_report_and_no_bundle_shows_one(ran: Path, tmp_path: Path) -> None:
    for words in (("report", "-o", tmp_path / "report.html"), ("support-bundle", "-o", tmp_path / "bundle.tar.gz")):
        command = [sys.executable, "-m", "reelmill.cli", words[0], ran / "pipeline.yaml", *words[1:]]
        environment = {**os.environ, "XDG_STATE_HOME": str(ran / "state")}
        assert subprocess.run(command, env=environment).returncode == 0
    assert traces(tmp_path, CANARIES) == []

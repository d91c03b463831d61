"""The commands against a cluster, on a real API server with the operator at work."""

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cluster.control_plane import ControlPlane
from control_plane.commands import Person, person, reader
from control_plane.operators import running, until
from control_plane.pipelines import NOWHERE, Desk, resource
from repo.pages import blocks

pytestmark = pytest.mark.control_plane


@pytest.fixture
def somebody(desk: Desk, tmp_path: Path) -> Person:
    return person(desk.client.config, desk.namespace, tmp_path)


def test_a_pipeline_is_submitted_followed_shown_and_explained(desk: Desk, config: Path, somebody: Person) -> None:
    with running(config, namespaces=(desk.namespace,)):
        said = somebody.reelmill("submit", somebody.file(resource()), "-w")
        assert said.code == 0, said.err
        assert said.err.splitlines()[0] == f"{desk.namespace}/demo: created"
        assert said.out.splitlines()[-1].endswith("demo: complete")
        shown = somebody.kubectl_reelmill("status", "demo")
        assert shown.code == 0, shown.err
        assert "└─ clips       done    6 of 6 done" in shown.out
        assert "demo  complete" in somebody.reelmill("status").out
        assert "It has been complete" in somebody.reelmill("why", "demo").out
        assert "PassClosed" in somebody.reelmill("events", "demo").out
        assert json.loads(somebody.reelmill("status", "demo", "-o", "json").out)["status"]["store"] == "s3://out/demo"
        assert "managedFields" not in somebody.reelmill("status", "demo", "-o", "yaml").out
        for words in (["demo"], [], ["demo", "-n", desk.namespace]):
            metrics = somebody.reelmill("status", *words, "--metrics")
            assert metrics.code == 0, metrics.err
            assert measured(metrics.out)["reelmill_stage_items", "done", "clip"] == 6
        assert pushed(somebody, "demo") == measured(metrics.out)


def measured(text: str) -> dict[tuple[str, ...], float]:
    """Name and values of labels -> value, in a text in the format of Prometheus."""
    families = text_string_to_metric_families(text)
    return {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}


def pushed(somebody: Person, name: str) -> dict[tuple[str, ...], float]:
    """What a server receives by the command of the page about installing."""
    (command,) = [
        block for block in blocks("docs/install.md", 'sh title="In your own cluster"') if "pushgateway" in block
    ]
    with receiver() as (address, received):
        command = command.replace("http://pushgateway:9091", address).replace("films", name)
        done = subprocess.run(["bash", "-euc", f"set -o pipefail\n{command}"], env=somebody.environment())
        assert done.returncode == 0
    ((path, body),) = received
    assert path == f"/metrics/job/reelmill/pipeline/{name}"
    return measured(body.decode())


@contextmanager
def receiver() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """The address of a server, and the path and body of each POST that it has received."""
    received = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", received
        finally:
            server.shutdown()
            thread.join()


def test_a_report_of_a_name_is_made_from_the_store_that_its_resource_names(desk: Desk, somebody: Person) -> None:
    place = somebody.folder / "store"
    desk.apply(resource(store={"uri": str(place)}))
    out = somebody.folder / "demo.html"
    said = somebody.reelmill("report", "demo", "-o", out)
    assert said.code == 0, said.err
    assert "empty. No run has listed the sources" in said.err
    assert str(place) in out.read_text()
    assert not place.exists(), "nothing is written to the store"


def test_an_edit_says_what_runs_again_and_nothing_else_does(desk: Desk, config: Path, somebody: Person) -> None:
    with running(config, namespaces=(desk.namespace,)):
        assert somebody.reelmill("submit", somebody.file(resource()), "-w").code == 0
        same = somebody.reelmill("submit", somebody.file(resource()))
        assert same.err.splitlines()[0].endswith("demo: unchanged")
        idle = resource()
        idle["spec"]["stages"][0]["parallelism"] = 2
        said = somebody.reelmill("submit", somebody.file(idle), "-w")
        assert said.err.splitlines()[1] == "  nothing runs again: all completed work remains valid"
        idle["spec"]["stages"][1]["frames"] = {"count": 32}
        dry = somebody.reelmill("submit", somebody.file(idle), "--dry-run")
        assert dry.err.splitlines() == [
            f"{desk.namespace}/demo: would be changed",
            "  samples runs again: count was 16, is 32",
        ]
        assert "count" not in desk.get()["spec"]["stages"][1]["frames"]
        idle["spec"]["stages"][0]["clip"] = {"by": "length", "length": "4s"}
        said = somebody.reelmill("submit", somebody.file(idle), "-w")
        assert said.code == 0, said.err
        assert [line.split(":")[0] for line in said.err.splitlines()[1:3]] == [
            "  clips runs again",
            "  samples runs again",
        ]


def test_suspend_resume_rerun_refresh_and_retry_do_what_they_say(desk: Desk, config: Path, somebody: Person) -> None:
    with running(config, namespaces=(desk.namespace,)):
        desk.kubelet.holding = True
        assert somebody.reelmill("submit", somebody.file(resource())).code == 0
        until(lambda: any((job["status"] or {}).get("active") for job in desk.jobs()), 30, "a pod")
        said = somebody.reelmill("suspend", "demo")
        assert (said.code, said.err.splitlines()[0]) == (0, "demo: suspended, its pods are being stopped")
        until(lambda: all(job["spec"].get("suspend") for job in desk.jobs()), 30, "paused Jobs")
        assert "suspended" in somebody.reelmill("why", "demo").out
        assert "already suspended" in somebody.reelmill("suspend", "demo").err
        asked = somebody.reelmill("refresh", "demo")
        assert "this takes effect on resume" in asked.err
        desk.kubelet.holding = False
        assert somebody.reelmill("resume", "demo", "-w").code == 0
        again = somebody.reelmill("rerun", "demo", "-s", "clips", "-w")
        assert again.code == 0, again.err
        assert again.err.splitlines()[0] == "demo: running clips, samples again from the first item"
        desk.kubelet.store.bucket["raw"].append("v9")
        assert somebody.reelmill("refresh", "demo", "-w").code == 0
        assert desk.status().sources[0].items == 7
        said = somebody.reelmill("retry", "demo", "-w")
        assert (said.code, "no failed items are known" in said.err) == (0, True)
        said = somebody.reelmill("rerun", "demo", "-s", "clip")
        assert (said.code, "stages of this pipeline: clips, samples" in said.err) == (2, True)


def test_cancel_gives_open_passes_up_and_deletes_nothing(desk: Desk, config: Path, somebody: Person) -> None:
    desk.kubelet.held_step = "shards"
    with running(config, namespaces=(desk.namespace,)):
        desk.apply(resource())
        until(lambda: desk.status().stages and desk.status().stages[0].pass_, 30, "a pass")
        until(lambda: any((job["status"] or {}).get("active") for job in desk.jobs()), 30, "a pod")
        said = somebody.reelmill("cancel", "demo")
        assert (said.code, said.err.splitlines()[0]) == (0, "demo: suspended, its pods are being stopped")
        assert "no data was deleted; all committed work remains in s3://out/demo" in said.err
        until(lambda: desk.status().holds("Suspended"), 30, "the pause")
        until(lambda: not any((job["status"] or {}).get("active") for job in desk.jobs()), 30, "no pods")
        desk.kubelet.held_step = ""
        assert somebody.reelmill("resume", "demo", "-w").code == 0
        assert desk.status().stage("clips").totals.done == 6


def test_why_names_the_node_that_is_missing_and_what_was_asked_for(desk: Desk, config: Path, somebody: Person) -> None:
    desk.kubelet.idle = True
    asked = resource()
    asked["spec"]["control"] = {"nodeSelector": {**NOWHERE, "disk": "fast"}}
    with running(config, namespaces=(desk.namespace,)):
        assert somebody.reelmill("submit", somebody.file(asked)).code == 0
        explanation = until(
            lambda: "No node fits" in (said := somebody.reelmill("why", "demo").out) and said, 60, "why"
        )
    flat = " ".join(explanation.split())
    assert flat.startswith("No node fits the pods of survey: 0/2 nodes are available")
    assert "disk=fast" in flat


def test_a_forbidden_request_names_the_verb_and_the_resource(desk: Desk, somebody: Person, tmp_path: Path) -> None:
    desk.apply(resource())
    weak = reader(desk.client, desk.namespace, tmp_path)
    assert weak.reelmill("status", "demo").code == 0
    said = weak.reelmill("suspend", "demo")
    assert said.code == 2
    assert f"you are not allowed to patch videopipelines.reelmill.dev in namespace {desk.namespace}" in said.err
    assert "you are not allowed to list jobs.batch" in weak.reelmill("why", "demo").err
    assert "in all namespaces" in weak.reelmill("status", "-A").err


def test_what_is_not_there_is_one_error_with_the_way_out(
    desk: Desk, somebody: Person, control_plane: ControlPlane
) -> None:
    desk.apply(resource())
    said = somebody.reelmill("status", "dmo")
    assert said.err.splitlines() == [
        f"error: no pipeline named 'dmo' in namespace {desk.namespace}",
        "hint: did you mean demo?",
    ]
    assert "is invalid" not in (said := somebody.reelmill("submit", somebody.file(_unknown_field()))).err
    assert (said.code, "unknwon" in said.err) == (2, True)
    assert somebody.reelmill("status", "demo", "-n", "nowhere").code == 2


def _unknown_field() -> dict[str, object]:
    document = resource("odd")
    document["spec"]["unknwon"] = 1
    return document

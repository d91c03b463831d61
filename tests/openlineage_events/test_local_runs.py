"""Events of `reelmill run`: what a server receives is valid and says what happened, and no server holds up a run."""

import json
import shutil
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import footage
from canaries.traces import found
from cli.terminal import reelmill, write
from openlineage_events.receiver import Receiver, must_be_valid, receiver
from servers.processes import free_ports

pytestmark = pytest.mark.store  # needs no server, but each test runs a pipeline

Json = dict[str, Any]
KEY = "canary-of-the-lineage-server"


@pytest.fixture(scope="module", autouse=True)
def imported() -> None:
    """The client takes long to import on a busy machine, and a run waits only some seconds for its last events."""
    for module in ("reelmill.openlineage.events", "openlineage.client.transport.http"):
        import_module(module)


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    shutil.copy(footage.video(seconds=2.0, size=(128, 64), audio=False), folder / "a.mp4")
    return folder


def pipeline(folder: Path, videos: Path, more: str = "") -> Path:
    text = f"""\
apiVersion: reelmill.dev/v1alpha1
kind: VideoPipeline
metadata: {{name: small}}
spec:
  store: {{uri: {folder}/store}}
  sources:
  - name: raw
    files: {{uri: {videos}}}
  stages:
  - name: clips
    clip: {{by: length, length: 1s, mode: copy}}
  - name: keep
    filter: {{rules: [{{name: short, field: duration, min: 0.5s}}]}}
{more}"""
    return write(folder, text)


def by_run(events: list[Json]) -> dict[tuple[str, str], list[str]]:
    runs: dict[tuple[str, str], list[str]] = {}
    for event in events:
        runs.setdefault((event["job"]["name"], event["run"]["runId"]), []).append(event["eventType"])
    return runs


@pytest.fixture
def server() -> Any:
    with receiver() as seen:
        yield seen


def test_a_run_and_its_passes_begin_and_complete(videos: Path, tmp_path: Path, server: Receiver) -> None:
    path = pipeline(tmp_path, videos)
    said = reelmill("run", path, "-q", "--openlineage", server.url)
    assert said.code == 0, said.err
    for event in server.events:
        must_be_valid(event)
    assert set(server.paths) == {"/api/v1/lineage"}
    assert {name: types for (name, _), types in by_run(server.events).items()} == {
        name: ["START", "COMPLETE"] for name in ("small", "small.clips", "small.keep")
    }
    ends = {event["job"]["name"]: event for event in server.events if event["eventType"] == "COMPLETE"}
    rows = {row["name"]: row for row in json.loads(reelmill("status", path, "-o", "json").out)}
    (out,) = ends["small.clips"]["outputs"]
    assert (out["namespace"], out["name"]) == ("file", rows["clips"]["uri"])
    assert out["outputFacets"]["outputStatistics"]["rowCount"] == rows["clips"]["items"] == 2
    assert out["outputFacets"]["outputStatistics"]["size"] == rows["clips"]["written"]
    assert out["facets"]["version"]["datasetVersion"] == f"{rows['clips']['key']}/0001"
    assert {"key", "duration"} <= {each["name"] for each in out["facets"]["schema"]["fields"]}
    (read,) = ends["small.keep"]["inputs"]
    assert (read["namespace"], read["name"]) == (out["namespace"], out["name"]), "data sets connect the passes"
    assert ends["small.clips"]["inputs"][0]["name"] == str(videos)
    tags = {each["key"]: each["value"] for each in ends["small.keep"]["run"]["facets"]["tags"]["tags"]}
    assert tags["done"] == "2"
    run_id = ends["small"]["run"]["runId"]
    for name in ("small.clips", "small.keep"):
        assert ends[name]["run"]["facets"]["parent"]["run"]["runId"] == run_id


@pytest.mark.store
def test_a_second_run_is_another_run_without_passes(videos: Path, tmp_path: Path, server: Receiver) -> None:
    path = pipeline(tmp_path, videos)
    for _ in range(2):
        assert reelmill("run", path, "-q", "--openlineage", server.url).code == 0
    runs = [run for name, run in by_run(server.events) if name == "small"]
    assert len(runs) == 2
    assert by_run(server.events)["small", runs[1]] == ["START", "COMPLETE"]
    assert len([event for event in server.events if event["job"]["name"] == "small.clips"]) == 2


def test_a_run_that_fails_says_why(videos: Path, tmp_path: Path, server: Receiver, monkeypatch: Any) -> None:
    monkeypatch.setenv("REELMILL_OPENLINEAGE", server.url)
    path = pipeline(tmp_path, tmp_path / "nothing")
    said = reelmill("run", path, "-q")
    assert said.code == 2
    for event in server.events:
        must_be_valid(event)
    assert [event["eventType"] for event in server.events] == ["START", "FAIL"]
    error = server.events[1]["run"]["facets"]["errorMessage"]
    assert str(tmp_path / "nothing") in error["message"]


@pytest.mark.store
def test_events_are_appended_to_a_file(videos: Path, tmp_path: Path) -> None:
    path, file = pipeline(tmp_path, videos), tmp_path / "events.jsonl"
    for _ in range(2):
        assert reelmill("run", path, "-q", "--openlineage", file).code == 0
    events = [json.loads(line) for line in file.read_text().splitlines()]
    for event in events:
        must_be_valid(event)
    assert [event["eventType"] for event in events if event["job"]["name"] == "small"] == ["START", "COMPLETE"] * 2


def dead() -> str:
    """The URL of a server that is not there."""
    return f"http://127.0.0.1:{free_ports(1)[0]}"


@pytest.mark.store
@pytest.mark.parametrize("target", ["dead", "refusing", "folder"])
def test_a_target_that_takes_no_events_is_told_of_once_and_fails_no_run(
    videos: Path, tmp_path: Path, server: Receiver, target: str
) -> None:
    server.answer = 403
    where = {"dead": dead(), "refusing": server.url, "folder": str(tmp_path)}[target]
    said = reelmill("run", pipeline(tmp_path, videos), "--openlineage", where)
    assert said.code == 0, said.err
    assert said.err.count("OpenLineage events cannot be sent") == 1
    assert "clips" in said.out


@pytest.mark.parametrize("target", ["http://me:secret@host:5000", "http://host:5000?key=secret", "kafka://host/topic"])
def test_a_target_with_credentials_or_of_another_kind_is_refused(videos: Path, tmp_path: Path, target: str) -> None:
    said = reelmill("run", pipeline(tmp_path, videos), "-q", "--openlineage", target)
    assert (said.code, "secret" in said.err, "OpenLineage" in said.err) == (2, False, True)
    assert not (tmp_path / "store/clips").exists()


def test_a_variable_that_cannot_be_used_is_told_once_and_fails_no_run(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REELMILL_OPENLINEAGE", "http://me:secret@host:5000")
    said = reelmill("run", pipeline(tmp_path, videos))
    assert (said.code, "secret" in said.err) == (0, False), said.err
    assert said.err.count("no OpenLineage events are sent") == 1


@pytest.mark.store
def test_the_key_is_in_the_header_and_in_nothing_else(
    videos: Path, tmp_path: Path, server: Receiver, monkeypatch: Any
) -> None:
    canaries = {"key": KEY, "value": "canary-of-a-variable", "secret": "canary-secret-key"}
    monkeypatch.setenv("OPENLINEAGE_API_KEY", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", canaries["secret"])
    path = pipeline(tmp_path, videos, f"    env: [{{name: TOKEN, value: {canaries['value']}}}]\n")
    said = reelmill("run", path, "-v", "--openlineage", server.url)
    assert said.code == 0, said.err
    assert set(server.keys) == {f"Bearer {KEY}"}
    assert found(json.dumps(server.events) + said.out + said.err, canaries) == []
    server.answer = 401
    path.write_text(path.read_text().replace("0.5s", "0.6s"))
    said = reelmill("run", path, "-v", "--openlineage", server.url)
    assert "OpenLineage events cannot be sent" in said.err
    assert found(said.out + said.err, canaries) == []


def test_events_after_a_run_that_was_killed_are_lines_of_their_own(videos: Path, tmp_path: Path) -> None:
    path, file = pipeline(tmp_path, videos), tmp_path / "events.jsonl"
    assert reelmill("run", path, "-q", "--openlineage", file).code == 0
    whole = file.read_text().splitlines()
    file.write_text("\n".join(whole)[:-40])
    assert reelmill("run", path, "-q", "--openlineage", file).code == 0
    after = file.read_text().splitlines()
    assert after[: len(whole) - 1] == whole[:-1]
    for line in after[len(whole) :]:
        must_be_valid(json.loads(line))
    assert len(after) > len(whole)


def test_a_file_whose_first_event_was_cut_is_refused_and_the_message_says_so(videos: Path, tmp_path: Path) -> None:
    path, file = pipeline(tmp_path, videos), tmp_path / "events.jsonl"
    assert reelmill("run", path, "-q", "--openlineage", file).code == 0
    file.write_text(cut := file.read_text()[:50])
    said = reelmill("run", path, "-q", "--openlineage", file)
    assert (said.code, file.read_text()) == (2, cut)
    assert "the first event in the file is truncated" in said.err

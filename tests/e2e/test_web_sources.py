"""A pipeline over a list of URLs: it runs, tells what cannot be read, grows, and notices files that changed."""

import json
import shutil
from pathlib import Path

import pytest

import footage
from cli.terminal import reelmill, write
from servers.web_server import WebServer

pytestmark = pytest.mark.store

PIPELINE = """\
apiVersion: reelmill.dev/v1alpha1
kind: VideoPipeline
metadata: {{name: small}}
spec:
  store: {{uri: data}}
  sources:
  - name: raw
    table: {{uri: urls.txt}}
    web: {{privateServers: ["{url}"], parallel: 2}}
  stages:
  - {{name: clips, clip: {{by: length, length: 1s}}, failures: {{tolerate: '100%'}}}}
"""


def outcomes(path: Path, stage: str) -> dict[str, str]:
    rows = json.loads(reelmill("ledger", path, "--stage", stage, "--item", "*", "-o", "json").out)
    return {row["key"].rpartition("/")[2].partition(":")[0]: row["reason"] or row["outcome"] for row in rows}


def test_018_f01_a_list_of_urls_becomes_clips(
    tmp_path: Path, web_server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    video = footage.video(seconds=2.0, size=(64, 48), audio=False)
    folder = web_server.folder / "films"
    folder.mkdir()
    for name in ("a.mp4", "b.mp4", "changes.mp4"):
        shutil.copyfile(video, folder / name)
    urls = [f"{web_server.url}/films/{name}" for name in ("a.mp4", "b.mp4", "gone.mp4")]
    refused = "http://[::ffff:169.254.169.254]/meta"
    (tmp_path / "urls.txt").write_text("\n".join([*urls, refused]))
    path = write(tmp_path, PIPELINE.format(url=web_server.url))
    assert reelmill("run", path).code == 0
    assert outcomes(path, "raw")["gone.mp4"] == "missing"
    assert outcomes(path, "raw")["meta"] == "private_address"
    assert outcomes(path, "clips") == {"a.mp4": "done", "b.mp4": "done"}

    (tmp_path / "urls.txt").write_text("\n".join([*urls, f"{web_server.url}/films/changes.mp4"]))
    shutil.copyfile(video, folder / "gone.mp4")
    (folder / "a.mp4").write_bytes(video.read_bytes() + b"\0" * 8)
    said = reelmill("run", path)
    assert said.code == 0, said.err
    assert outcomes(path, "clips") == dict.fromkeys(("a.mp4", "b.mp4", "changes.mp4", "gone.mp4"), "done")
    assert "1 changed or gone" in said.err
    assert reelmill("check", path, "--deep").code == 0

    rows = json.loads(reelmill("trace", path, urls[1], "-o", "json").out)
    clip = next(row["item"] for row in rows if row["stage"] == "clips")
    assert reelmill("card", path, "clips", tmp_path / "card").code == 0
    assert reelmill("forget", path, urls[0], "--yes").code == 0
    assert reelmill("run", path).code == 0
    assert reelmill("check", path, "--forgotten").code == 0
    assert "a.mp4" not in outcomes(path, "clips")
    shutil.rmtree(tmp_path / "data")
    said = reelmill("rebuild", tmp_path / "card", "--sample", clip, "--to", tmp_path / "again")
    assert "identical byte for byte" in said.err, said.err


def test_without_leave_no_server_of_this_machine_is_read(
    tmp_path: Path, web_server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "urls.txt").write_text(f"{web_server.url}/films/a.mp4")
    text = PIPELINE.format(url=web_server.url).replace(f'privateServers: ["{web_server.url}"], ', "")
    path = write(tmp_path, text)
    reelmill("run", path)
    assert outcomes(path, "raw") == {"a.mp4": "private_address"}


def test_018_f06_a_data_set_of_the_hub_grows_with_its_branch_and_keeps_what_was_listed(
    tmp_path: Path, hub_server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_ENDPOINT", hub_server.url)
    video = footage.video(seconds=2.0, size=(64, 48), audio=False)
    repository = hub_server.folder / "somebody" / "films"

    def commit(name: str, *videos: str, more: bytes = b"") -> None:
        for each in videos:
            path = repository / name / "videos" / each
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(video.read_bytes() + more)
        (repository / "refs.json").write_text(json.dumps({"main": name}))

    text = PIPELINE.format(url=hub_server.url).replace(
        "table: {uri: urls.txt}", "files: {uri: 'hf://datasets/somebody/films/videos/'}"
    )
    path = write(tmp_path, text.replace(f'privateServers: ["{hub_server.url}"], ', ""))
    commit("1" * 40, "a.mp4", "b.mp4")
    assert reelmill("run", path).code == 0
    assert reelmill("card", path, "clips", tmp_path / "card").code == 0
    commit("2" * 40, "a.mp4", "c.mp4")
    said = reelmill("run", path)
    assert "raw: 3 items, 1 of them new, 1 changed or gone" in said.err, "b.mp4 is gone, and a.mp4 is the same"
    assert outcomes(path, "clips") == dict.fromkeys(("a.mp4", "b.mp4", "c.mp4"), "done")
    again = path.read_text().replace("length: 1s", "length: 2s")
    path.write_text(again)
    assert reelmill("run", path).code == 0, "b.mp4 is read from the commit in which it was listed"
    assert outcomes(path, "clips") == dict.fromkeys(("a.mp4", "b.mp4", "c.mp4"), "done")
    shutil.rmtree(tmp_path / "data")
    said = reelmill("rebuild", tmp_path / "card", "--sample", "b.mp4@0.000-1.000", "--to", tmp_path / "again")
    assert "identical byte for byte" in said.err, "the commit of the card is read, in which there is b.mp4"

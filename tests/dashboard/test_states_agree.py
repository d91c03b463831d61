"""Every command and page that shows the state of a pipeline in a store shows the same one."""

import json
from pathlib import Path

import pytest

from cli.terminal import reelmill, write
from dashboard.places import page
from reelmill.cli.commands.curation.dashboard import definition
from reelmill.cli.input.options import AS_NAMED
from reelmill_stages.dashboard.discovery.file_pipelines import FilePipelines
from reelmill_stages.dashboard.stores import OpenStores

pytestmark = pytest.mark.store  # needs no server, but runs pipelines


def states(folder: Path, path: Path) -> dict[str, str]:
    """The state that each command and page shows for the pipeline of a file."""
    file = definition(str(path), AS_NAMED)
    (of_file,) = FilePipelines([file], OpenStores({})).rows()
    with page(folder / "scratch", store=file.task.store.uri) as client:
        (of_store,) = client.get("/api/v1/pipelines").json()["rows"]
        told = client.get(f"/api/v1/pipelines/{of_store['namespace']}/{of_store['name']}").json()["why"]
    explained = json.loads(reelmill("why", path, "-o", "json").out)
    assert told.partition("`")[0] == explained["why"].partition("`")[0]
    report = reelmill("report", path, "--output", str(folder / "report.html"))
    return {
        "dashboard of a file": of_file.state,
        "dashboard of a store": of_store["state"],
        "why": explained["state"],
        "report": report.err.partition(": ")[2].partition(".")[0],
    }


def test_a_pipeline_whose_first_stage_failed_is_failed_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path)
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos/broken.mp4").write_bytes(b"not a video")
    assert reelmill("run", path).code == 65
    assert set(states(tmp_path, path).values()) == {"failed"}

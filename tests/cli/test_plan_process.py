"""`reelmill plan` lists sources in a process of its own: one that hangs or is killed does not keep the command."""

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from host import children
from reelmill.cli.input.pipeline import load
from reelmill.contract.errors import NotFound, TransientError
from reelmill.contract.task import Task
from reelmill_stages.commands.forecast import forecast

pytestmark = pytest.mark.store  # needs no server, but interpreters are started


@pytest.fixture
def silent() -> Iterator[str]:
    """An address that takes requests and answers none."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def task(folder: Path, source: str) -> Task:
    path = folder / "pipeline.yaml"
    path.write_text(
        f"""apiVersion: reelmill.dev/v1alpha1
kind: VideoPipeline
metadata: {{name: look}}
spec:
  store: {{uri: {folder / "store"}}}
  sources: [{{name: raw, {source}}}]
  stages: [{{name: clips, clip: {{by: length}}}}]
"""
    )
    return load(str(path)).task()


def hanging(folder: Path, endpoint: str) -> tuple[Task, dict[str, str]]:
    source = f"files: {{uri: 's3://films/videos'}}, s3: {{endpoint: '{endpoint}'}}"
    keys = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "us-east-1"}
    return task(folder, source), {**os.environ, **keys}


def test_a_source_whose_listing_hangs_is_named_and_its_process_is_gone(tmp_path: Path, silent: str) -> None:
    before = set(children(os.getpid()))
    with pytest.raises(TransientError, match=r"raw: listing this source made no progress for 0\.5 s"):
        forecast(*hanging(tmp_path, silent), patience=0.5)
    assert set(children(os.getpid())) <= before


def test_a_process_that_the_system_kills_is_reported(tmp_path: Path, silent: str) -> None:
    before = set(children(os.getpid()))

    def kill() -> None:
        while not (found := set(children(os.getpid())) - before):
            time.sleep(0.01)
        time.sleep(0.2)
        os.kill(found.pop(), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(TransientError, match="ended by SIGKILL") as error:
        forecast(*hanging(tmp_path, silent))
    killer.join()
    assert "memory" in error.value.hint


def test_what_listing_finds_and_refuses_comes_out_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos/a.mp4").write_bytes(b"a film")
    source = f"files: {{uri: '{tmp_path / 'videos'}'}}"
    assert forecast(task(tmp_path, source), os.environ).sources["raw"].new == 1
    with pytest.raises(NotFound) as error:
        forecast(task(tmp_path, source.replace("videos", "nowhere")), os.environ)
    assert "nowhere" in error.value.where
    assert error.value.hint

"""A server that takes connections and never answers is named by the survey, soon, and not waited for."""

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from reelmill.contract.errors import StoreError
from reelmill.contract.task import Connection, Owner, SourceDef, Step, StoreRef, Task
from reelmill_stages.runtime.context import context
from reelmill_stages.runtime.survey.step import survey
from reelmill_stages.store.preflight import check_servers_respond

pytestmark = pytest.mark.store
KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}


@pytest.fixture
def silent() -> Iterator[str]:
    """The endpoint of a server that says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken: list[socket.socket] = []

        def take() -> None:
            try:
                while True:
                    taken.append(listener.accept()[0])
            except OSError:
                return

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)  # or `accept` would wait on
        thread.join()
        for connection in taken:
            connection.close()


def test_a_store_that_stays_silent_is_named_with_its_endpoint(silent: str, tmp_path: Path) -> None:
    ref = StoreRef(uri="s3://bucket/out", connection=Connection(endpoint=silent, region="us-east-1"))
    task = Task(step=Step.SURVEY, owner=Owner(namespace="n", name="p", uid="u"), run=1, store=ref)
    env = {**os.environ, **KEYS}
    with context(task, env, threading.Event()) as found, pytest.raises(StoreError, match="does not respond") as caught:
        survey(found)
    assert caught.value.where == silent
    assert caught.value.hint
    assert caught.value.exit_code == 64


def test_a_silent_source_is_named_although_the_store_is_well(silent: str, tmp_path: Path) -> None:
    source = SourceDef(
        name="raw",
        key="0" * 64,
        type="files",
        params={"uri": "s3://bucket/raw/"},
        connection=Connection(endpoint=silent, region="us-east-1"),
    )
    ref = StoreRef(uri=str(tmp_path / "store"))
    owner = Owner(namespace="n", name="p", uid="u")
    task = Task(step=Step.SURVEY, owner=owner, run=1, store=ref, sources=(source,))
    env = {**os.environ, **KEYS}
    with context(task, env, threading.Event()) as found, pytest.raises(StoreError, match="does not respond"):
        survey(found)


def test_a_folder_is_not_asked(tmp_path: Path) -> None:
    source = SourceDef(name="raw", key="0" * 64, type="files", params={"uri": str(tmp_path / "raw")})
    owner = Owner(namespace="n", name="p", uid="u")
    ref = StoreRef(uri=str(tmp_path))
    check_servers_respond(Task(step=Step.SURVEY, owner=owner, run=1, store=ref, sources=(source,)), {}, sources=True)

"""A server that is not there is named before any work, by every command that needs it."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.terminal import PIPELINE, reelmill, write

pytestmark = pytest.mark.store
COMMANDS = {
    "plan": (),
    "run": (),
    "status": (),
    "ledger": (),
    "retry": (),
    "export": ("pictures", "out"),
    "prune": (),
    "abandon": (),
    "replay": ("pictures", "a"),
}


@pytest.fixture
def endpoint() -> Iterator[str]:
    """An address that is ours and at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_every_command_names_a_store_that_cannot_be_reached(
    endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path)
    (tmp_path / "videos").mkdir()
    for command in ("run", "status"):
        said = reelmill(command, path, *COMMANDS[command], "--store", "s3://bucket/x", "--endpoint", endpoint)
        assert (said.code, said.out) == (2, ""), command
        assert said.err.startswith(f"error: {endpoint}: the endpoint cannot be reached"), command


def test_a_sources_own_server_is_named_too(endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    raw = f"files: {{uri: 's3://raw/videos'}}\n    s3: {{endpoint: '{endpoint}'}}"
    path = write(tmp_path, PIPELINE.replace("files: {uri: videos}", raw))
    said = reelmill("plan", path)
    assert (said.code, endpoint in said.err) == (2, True)
    assert not (tmp_path / "store").exists()
    assert reelmill("status", path).code == 0


@pytest.mark.parametrize(
    ("make", "place", "says"),
    [
        ("file", "store", "the store is a file, not a folder"),
        ("file", "store/deep/data", "store is a file, not a folder"),
        ("link", "store", "store is a link to nowhere, which does not exist"),
        ("link", "store/data", "store is a link to nowhere, which does not exist"),
        ("loop", "store", "store is a link to store, which does not exist"),
    ],
)
@pytest.mark.parametrize("command", ["run", "plan", "status"])
def test_a_store_where_no_folder_can_be_is_named(
    make: str, place: str, says: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path)
    (tmp_path / "videos").mkdir()
    if make == "file":
        (tmp_path / "store").write_text("a file")
    else:
        (tmp_path / "store").symlink_to("store" if make == "loop" else "nowhere")
    said = reelmill(command, path, "--store", place)
    assert (said.code, said.out) == (2, "")
    assert said.err.splitlines()[0].endswith(says)

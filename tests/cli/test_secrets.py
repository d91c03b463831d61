"""Credentials in URLs: refused where they are written, and cut wherever a URL is repeated."""

import json
import logging
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.terminal import PIPELINE, reelmill, write
from reelmill.contract.errors import ItemError, SpecError, StoreError
from reelmill.contract.log import JsonFormatter, TerminalFormatter
from reelmill.contract.records.rows import LedgerRow, Outcome
from reelmill.contract.task import Connection, StoreRef
from reelmill.contract.text.urls import without_secrets
from reelmill_stages.sources.tables import cells
from reelmill_stages.store.open import open_store, split_uri

URLS = {
    "user and password": ("http://user:pass@host:9000/b", "http://host:9000/b"),
    "password with signs": ("http://user:p@ss:w%rd@host/b", "http://host/b"),
    "token as a user": ("https://ghp_secret@host/x.git", "https://host/x.git"),
    "keys of a bucket": ("s3://AKIA:secret@bucket/key", "s3://bucket/key"),
    "signed": ("https://b.s3.amazonaws.com/k?X-Amz-Signature=abc&X-Amz-Date=1", "https://b.s3.amazonaws.com/k?…"),
    "token in a fragment": ("https://host/x#access_token=abc", "https://host/x?…"),
    "in words": ("(http://u:p@h/x) 'https://h/y?sig=1', done", "(http://h/x) 'https://h/y?…', done"),
    "path alone": ("url: /b/k?X-Amz-Signature=abc&partNumber=1", "url: /b/k?X-Amz-Signature=…&partNumber=1"),
    "other schemes": ("postgres://u:p@db/x", "postgres://db/x"),
    "in JSON": (r'{"url": "http://u:p@h/x?sig=1", "n": 1}', r'{"url": "http://h/x?…", "n": 1}'),
}
PLAIN = [
    "s3://bucket/what?.mp4", "s3://bucket/a@b.mp4", "/videos/a@b?c=d.mp4", "user@example.org", "a ? b : c", "",
    "http://host:9000", "what://is this@", "10:30 @ noon",
]  # fmt: skip


@pytest.mark.parametrize("kind", sorted(URLS))
def test_credentials_are_cut_and_the_rest_stays(kind: str) -> None:
    url, shown = URLS[kind]
    assert without_secrets(url) == shown
    assert without_secrets(shown) == shown


@pytest.mark.parametrize("text", PLAIN)
def test_what_holds_none_is_not_touched(text: str) -> None:
    assert without_secrets(text) == text


@pytest.mark.parametrize("sign", list("'\"<>\\ "))
def test_a_password_with_signs_that_end_an_address_in_a_text_is_found_and_not_shown(sign: str) -> None:
    url = f"https://user:Zq{sign}Zq@host/x.mp4"
    for refuse in (cells.path, split_uri):
        with pytest.raises((ItemError, SpecError)) as error:
            refuse(url)
        assert "Zq" not in f"{error.value} {error.value.what} {getattr(error.value, 'hint', '')}"


SECRET = st.text(alphabet="abcXYZ019!$&()*+,;=:%._~-@", min_size=3, max_size=12).map(lambda text: f"Zq{text}")


@given(user=SECRET, password=SECRET, token=SECRET, before=st.text(alphabet="ab '\"(:=", max_size=5))
def test_no_message_repeats_the_secrets_of_a_url(user: str, password: str, token: str, before: str) -> None:
    text = f"{before}https://{user}:{password}@host/key?X-Amz-Signature={token} failed"
    error = SpecError(text, where=text, hint=text)
    row = LedgerRow("a", 0, Outcome.FAILED, "crash", text)
    texts = [str(error), error.where, error.hint, *error.args, row.message, ItemError("x", text).what]
    record = logging.LogRecord("reelmill", logging.INFO, "x.py", 1, text.replace("%", "%%"), (), None)
    record.fields = {"uri": text}
    texts += [JsonFormatter().format(record), TerminalFormatter(colour=False).format(record)]
    for shown in texts:
        assert "Zq" not in shown
        assert "host" in shown


@pytest.mark.parametrize(
    "value", ["https://u:secret@host/a.mp4", f"https://u:{'secret' * 60}@host/a.mp4", "s3://u:secret@b/k"]
)
def test_a_path_of_a_table_with_credentials_is_a_failed_row_that_does_not_repeat_them(value: str) -> None:
    with pytest.raises(ItemError) as caught:
        cells.path(value)
    assert caught.value.reason == "bad_path"
    assert "secret" not in caught.value.what


PLACES = {
    "endpoint": ("store: {uri: store}", "store: {uri: 's3://b/p', endpoint: 'http://me:hunter2@host:9000'}"),
    "store": ("store: {uri: store}", "store: {uri: 's3://me:hunter2@b/p'}"),
    "source": ("files: {uri: videos}", "files: {uri: 's3://me:hunter2@b/p'}"),
    "endpoint of a source": (
        "files: {uri: videos}", "files: {uri: 's3://b/p'}\n    s3: {endpoint: 'https://me:hunter2@host'}"
    ),
}  # fmt: skip


@pytest.mark.parametrize("place", sorted(PLACES))
def test_credentials_in_a_pipeline_are_refused_with_the_right_way(tmp_path: Path, place: str) -> None:
    said = reelmill("validate", write(tmp_path, PIPELINE.replace(*PLACES[place])))
    assert said.code == 2
    assert (
        "a URI must not contain credentials: on one machine, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        in said.err
    )
    assert "secretRef" in said.err
    assert "hunter2" not in said.err + said.out


def test_credentials_in_the_option_endpoint_are_refused_too(tmp_path: Path) -> None:
    path = write(tmp_path, PIPELINE.replace("uri: store", "uri: 's3://b/p'"))
    said = reelmill("status", path, "--endpoint", "http://me:hunter2@host:9000")
    assert said.code == 2
    assert "must not contain credentials" in said.err
    assert "hunter2" not in said.err + said.out


def test_an_endpoint_is_a_server_without_a_query(tmp_path: Path) -> None:
    text = PIPELINE.replace("{uri: store}", "{uri: 's3://b/p', endpoint: 'http://host:9000/?token=hunter2'}")
    said = reelmill("validate", write(tmp_path, text))
    assert said.code == 2
    assert "an endpoint must not contain a query or a fragment" in said.err
    assert "hunter2" not in said.err


def test_a_reader_that_is_given_such_an_endpoint_refuses_it() -> None:
    connection = Connection(endpoint="http://me:hunter2@host:9000")
    with pytest.raises(StoreError, match="must not contain credentials") as caught:
        open_store(StoreRef(uri="s3://bucket/x", connection=connection), env={})
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"


def test_a_crash_report_is_its_owners_alone_and_holds_no_arguments_and_no_secrets(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from reelmill.cli import _run\n"
        "def app(**_): raise ZeroDivisionError('\\x1b[2J http://me:hunter2@host/x?sig=hunter2')\n"
        "sys.exit(_run(app, []))"
    )
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    command = [sys.executable, "-c", code, "--token", "hunter2"]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, umask=0)
    (log,) = (tmp_path / "reelmill").iterdir()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    text = log.read_text()
    assert "hunter2" not in text + said.stderr
    assert "\x1b" not in text + said.stderr
    assert "ZeroDivisionError" in text
    assert json.dumps(command[2])[1:20] not in text.splitlines()[1]


@pytest.mark.parametrize("piece", ["http://", "http://u@", "https://h/p", "s3://", "x-amz-signature="])
def test_a_text_of_a_megabyte_is_looked_at_once(piece: str) -> None:
    """In a time that grew with the square of its length, this would take ten minutes."""
    assert without_secrets(piece * (1_000_000 // len(piece)))

"""From uris and environments to stores; no server is contacted."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from urllib3 import HTTPResponse

from reelmill.contract.errors import SpecError, StoreError
from reelmill.contract.task import CA_FOLDER, Connection, StoreRef
from reelmill_stages.store.keys import check_key, decode_metadata, encode_metadata
from reelmill_stages.store.local.store import LocalStore
from reelmill_stages.store.open import connection_to, open_location, open_store, split_uri
from reelmill_stages.store.retry import Patience, Retries
from reelmill_stages.store.s3.body import Body
from reelmill_stages.store.s3.store import S3Store

KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("s3://bucket", ("s3://bucket", "")),
        ("s3://bucket/", ("s3://bucket", "")),
        ("s3://bucket/a/b c.mp4", ("s3://bucket", "a/b c.mp4")),
        ("s3://bucket/a/", ("s3://bucket", "a/")),
        ("/data/videos", ("/", "data/videos")),
        ("/data/videos/", ("/", "data/videos/")),
        ("/data/./x/../videos", ("/", "data/videos")),
        ("/", ("/", "")),
        ("file:///data/a%20b", ("/", "data/a b")),
        ("file://localhost/data", ("/", "data")),
    ],
)
def test_a_uri_is_a_root_and_a_key(uri: str, expected: tuple[str, str]) -> None:
    assert split_uri(uri) == expected


def test_a_relative_path_counts_from_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert split_uri("videos/") == ("/", f"{tmp_path}/videos/".lstrip("/"))


@pytest.mark.parametrize(
    "uri", ["", "s3://", "s3:///key", "ftp://host/x", "http:///x", "file://host/x", "file://x", "a\0b"]
)
def test_an_invalid_uri_of_a_store_is_rejected_with_a_hint(uri: str) -> None:
    with pytest.raises(SpecError) as error:
        split_uri(uri)
    assert error.value.hint


def test_a_folder_and_a_bucket_open_as_what_they_are(tmp_path: Path) -> None:
    folder = open_store(StoreRef(uri=str(tmp_path)), env={})
    bucket = open_store(
        StoreRef(uri="s3://bucket/some/prefix/", connection=Connection(endpoint="http://h:1")), env=KEYS
    )
    assert isinstance(folder, LocalStore)
    assert isinstance(bucket, S3Store)
    assert (folder.uri, bucket.uri) == (str(tmp_path), "s3://bucket/some/prefix/")


def test_a_location_reads_everything_below_its_root_and_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "v").mkdir()
    (tmp_path / "v" / "a.mp4").write_bytes(b"video")
    uri = f"file://{tmp_path}/v/"
    location, (_, prefix) = open_location(uri, Connection(), {}), split_uri(uri)
    (listed,) = location.list(prefix)
    assert location.read(listed.key, if_match=listed.etag) == b"video"
    assert location.stat(listed.key).size == 5
    assert location.fetch(listed.key, tmp_path) == tmp_path / "v" / "a.mp4"
    with location.open(listed.key) as file:
        assert file.read() == b"video"
    for act in (lambda: location.write("x", b""), lambda: location.delete(listed.key)):
        with pytest.raises(StoreError, match="read-only"):
            act()


@pytest.mark.parametrize(
    ("prefix", "env", "missing"),
    [
        ("", {"AWS_ACCESS_KEY_ID": "x"}, "AWS_SECRET_ACCESS_KEY"),
        ("RAW_", {"RAW_AWS_SECRET_ACCESS_KEY": "x", **KEYS}, "RAW_AWS_ACCESS_KEY_ID"),
    ],
)
def test_half_a_pair_of_keys_is_named(prefix: str, env: dict[str, str], missing: str) -> None:
    with pytest.raises(StoreError, match=f"{missing} is not set"):
        open_store(StoreRef(uri="s3://bucket", connection=Connection(env_prefix=prefix)), env=env)


@pytest.mark.parametrize("endpoint", ["storage:9000", "ftp://host", "http://host/path", "http://", "http://h:x"])
def test_an_invalid_endpoint_is_rejected(endpoint: str) -> None:
    with pytest.raises(StoreError) as error:
        open_store(StoreRef(uri="s3://bucket", connection=Connection(endpoint=endpoint)), env=KEYS)
    assert error.value.hint


def test_a_pod_whose_secret_has_no_certificates_trusts_the_usual_ones() -> None:
    env = {**KEYS, "AWS_CA_BUNDLE": f"{CA_FOLDER}/store/ca.crt"}
    assert open_store(StoreRef(uri="s3://bucket"), env=env).uri == "s3://bucket"
    with pytest.raises(StoreError, match="is not set"):
        open_store(StoreRef(uri="s3://bucket", connection=Connection(ca=True)), env=env)
    with pytest.raises(StoreError, match="does not exist"):
        open_store(StoreRef(uri="s3://bucket"), env={**KEYS, "AWS_CA_BUNDLE": "/no/such/file"})


@pytest.mark.parametrize("bucket", ["b", "UPPER..x", "192.168.0.1", "has space"])
def test_an_invalid_bucket_name_is_rejected(bucket: str) -> None:
    with pytest.raises(SpecError) as error:
        open_store(StoreRef(uri=f"s3://{bucket}/x"), env=KEYS)
    assert error.value.hint


def test_a_region_that_cannot_be_one_is_refused() -> None:
    with pytest.raises(StoreError, match="region"):
        open_store(StoreRef(uri="s3://bucket", connection=Connection(region="no region!")), env=KEYS)


LEGAL = st.text(st.characters(codec="utf-8", exclude_characters="%"), max_size=40) | st.text("% \té", max_size=12)


@settings(max_examples=40)
@given(st.dictionaries(st.from_regex(r"[a-z0-9](-?[a-z0-9]){0,8}", fullmatch=True), LEGAL, max_size=3))
def test_metadata_survives_the_way_through_headers(metadata: dict[str, str]) -> None:
    encoded = encode_metadata(metadata)
    assert decode_metadata(encoded) == metadata
    for value in encoded.values():
        assert value.isascii()
        assert value == value.strip()
        assert "  " not in value


@given(st.text(max_size=40))
def test_a_key_is_taken_as_it_is_or_refused(key: str) -> None:
    try:
        assert check_key(key) == key
    except StoreError:
        return
    assert not {"..", "."} & set(key.split("/"))
    assert not key.startswith("/")


NEVER_OPENED = """
from reelmill.contract.errors import NotFound
from reelmill_stages.store.s3.body import Body
from reelmill_stages.store.retry import Patience, Retries

def refuse(at, etag):
    raise NotFound("gone")

try:
    Body(refuse, lambda error: None, Patience())
except NotFound:
    print("refused")
"""


def test_a_stream_that_could_not_be_opened_is_collected_without_an_error() -> None:
    # Development mode tells what finalizers raise, as Python 3.13 always does.
    command = [sys.executable, "-X", "dev", "-W", "ignore", "-c", NEVER_OPENED]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (said.stdout.strip(), said.stderr) == ("refused", "")


def test_a_folder_is_opened_by_its_uri_alone(tmp_path: Path) -> None:
    for uri in (str(tmp_path), tmp_path.as_uri()):
        assert isinstance(open_store(uri), LocalStore)
    open_store(str(tmp_path)).write("a/b", b"x")
    assert (tmp_path / "a/b").read_bytes() == b"x"


def test_a_bucket_is_opened_by_its_uri_with_the_credentials_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    uri = "s3://bucket/some/prefix"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert open_store(uri, endpoint="http://127.0.0.1:9", region="eu-1").uri == uri
    with pytest.raises(SpecError, match="no bucket"):
        open_store("s3:///prefix")


@pytest.mark.parametrize(
    ("start", "headers"), [(8, {"content-length": "4"}), (None, {"content-length": "four"}), (None, {})]
)
def test_a_response_that_is_refused_is_closed_while_its_error_is_still_held(
    start: int | None, headers: dict[str, str]
) -> None:
    response = HTTPResponse(io.BytesIO(b"data"), headers, 200, preload_content=False)
    with pytest.raises(StoreError) as refused:
        Body(lambda at, etag: response, lambda error: None, Patience(), start=start)
    assert refused.value.__traceback__
    assert response.closed


def test_an_error_of_our_own_that_is_not_retried_is_not_its_own_cause() -> None:
    error = StoreError("refused")
    with pytest.raises(StoreError) as caught:
        Retries(Patience(), lambda given, key: error).call("", lambda: (_ for _ in ()).throw(error))
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("uri", "missing", "anonymous"),
    [
        ("s3://bucket/x", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"], "AWS_NO_SIGN_REQUEST"),
        ("az://container/x", ["AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN"], "AZURE_STORAGE_ANONYMOUS"),
        ("gs://bucket/x", ["GOOGLE_SERVICE_ACCOUNT_KEY"], "GOOGLE_STORAGE_ANONYMOUS"),
    ],
)
def test_no_other_identity_takes_the_place_of_a_secret_that_lacks_its_keys(
    uri: str, missing: list[str], anonymous: str
) -> None:
    env = {"RAW_AZURE_STORAGE_ACCOUNT": "account", **dict.fromkeys(missing, "of the store")}
    connection = Connection(env_prefix="RAW_", secret="raw-keys")
    with pytest.raises(StoreError, match=f"the Secret raw-keys has no {' and no '.join(missing)}") as refused:
        open_location(uri, connection, env)
    word = " or " if uri.startswith("az:") else " and "
    assert refused.value.hint.endswith(f"set {word.join(f'RAW_{name}' for name in missing)}")
    with pytest.raises(StoreError):
        open_location(uri, connection, {**env, **{f"RAW_{name}": "" for name in missing}})
    open_location(uri, connection, {**env, f"RAW_{anonymous}": "true"})


def test_public_data_of_the_hub_needs_no_token_where_a_secret_is_for_another_server() -> None:
    connection = Connection(env_prefix="RAW_", secret="raw-keys")
    assert open_location("hf://datasets/owner/name/x", connection, {"HF_TOKEN": "of the store"})


@pytest.mark.parametrize("account", ["evil.example/x?", "a\n", "Account", "evil.example#"])
def test_an_invalid_account_name_is_not_put_into_an_address(account: str) -> None:
    env = {"AZURE_STORAGE_ACCOUNT": account, "AZURE_STORAGE_KEY": "a2V5"}
    with pytest.raises(StoreError, match="AZURE_STORAGE_ACCOUNT is not the name of a storage account"):
        open_location("az://container/x", Connection(), env)


@pytest.mark.parametrize(
    ("uri", "given"),
    [
        ("s3://bucket/x", {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}),
        ("az://container/x", {"AZURE_STORAGE_SAS_TOKEN": "sv=1&sig=x"}),
        ("hf://datasets/owner/name/x", {"HF_TOKEN": "token"}),
    ],
)
def test_the_keys_of_a_secret_are_enough(uri: str, given: dict[str, str]) -> None:
    connection = Connection(env_prefix="RAW_", secret="raw-keys")
    env = {"RAW_AZURE_STORAGE_ACCOUNT": "account", **{f"RAW_{name}": value for name, value in given.items()}}
    assert open_location(uri, connection, env)


@pytest.mark.parametrize(
    ("store", "uri", "is_used"),
    [
        (StoreRef(uri="az://c", connection=Connection(endpoint="http://az")), "az://d/x", True),
        (StoreRef(uri="az://c", connection=Connection(endpoint="http://az")), "s3://d/x", False),
        (StoreRef(uri="/f", connection=Connection(endpoint="http://az")), "s3://d/x", True),
        (StoreRef(uri="/f", connected="az://c", connection=Connection(endpoint="http://az")), "az://d/x", True),
        (StoreRef(uri="/f", connected="az://c", connection=Connection(endpoint="http://az")), "s3://d/x", False),
    ],
)
def test_the_connection_of_a_store_is_used_for_servers_of_its_kind(store: StoreRef, uri: str, is_used: bool) -> None:
    assert connection_to(uri, None, store) == (store.connection if is_used else Connection())


@pytest.mark.parametrize(
    ("uri", "problem"),
    [
        ("data\n", "a control character"),
        ("\x1b[31m", "a control character"),
        ("s3://bucket/a\tb", "a control character"),
        ("~/data", "~ is not replaced by a home folder"),
        ("~", "~ is not replaced by a home folder"),
        ("s3://bucket/../other", "the prefix in the bucket contains"),
        ("gs://bucket/a/./b", "the prefix in the bucket contains"),
    ],
)
def test_a_store_whose_address_is_probably_a_mistake_is_refused(uri: str, problem: str) -> None:
    with pytest.raises(SpecError, match=problem):
        open_store(uri)


@pytest.mark.parametrize("uri", ["./~/data", "a~b", "/data/../other", "data/.", "da ta", "da%20ta", "a:b", "-data"])
def test_unusual_names_of_folders_are_those_of_stores(uri: str) -> None:
    assert isinstance(open_store(uri), LocalStore)


@pytest.mark.parametrize("uri", ["ftp://host/x", "S4://bucket/x", "https://host/x", "hf://datasets/a/b"])
def test_what_is_no_store_is_refused_with_the_forms_of_stores_only(uri: str) -> None:
    with pytest.raises(SpecError) as error:
        open_store(uri)
    assert error.value.hint == "use s3://bucket/prefix, az://container/prefix, gs://bucket/prefix, or a folder"

"""The same pipeline on real S3 servers: the outputs are those of a folder; what is wrong is told before any work."""

from pathlib import Path

import pytest
from clip4mc_run import prepare
from killing import kill_when
from workshop import Workshop, same_end

from servers.processes import Server
from servers.s3_servers import make_bucket

pytestmark = pytest.mark.store
NAMES = ("raw", "clips", "samples", "shards", "listing")


@pytest.fixture
def shop(s3_server: Server, tmp_path: Path, ran: Workshop, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """The run that others look at, to be done in a bucket."""
    for name, value in s3_server.env.items():
        monkeypatch.setenv(name, value)
    return Workshop(
        tmp_path,
        ran.sources,
        ran.stages,
        name="bucket",
        store_at=f"s3://{make_bucket(s3_server)}/data",
        endpoint=s3_server.endpoint,
    )


def test_a_run_in_a_bucket_gives_what_a_folder_gets_and_the_second_does_nothing(shop: Workshop, ran: Workshop) -> None:
    shop.run()
    same_end(shop, ran, *NAMES)
    assert {stage["state"] for stage in shop.run().values()} == {"cached"}
    assert {stage["segments"] for stage in shop.run().values()} == {1}


def test_a_run_killed_in_a_bucket_continues(shop: Workshop, ran: Workshop) -> None:
    def begun() -> bool:
        return any(stat.key.endswith("pass.json") for stat in shop.store.list("samples/"))

    kill_when(shop, begun)
    shop.run()
    same_end(shop, ran, *NAMES)


@pytest.mark.parametrize("wrong", ["bucket", "key", "permission", "endpoint"])
def test_an_unusable_store_is_reported_with_exit_code_2_before_any_work(
    shop: Workshop, s3_server: Server, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = {"bucket": "there-is-none", "key": "key", "permission": "ermi", "endpoint": "127.0.0.1:9"}
    if wrong == "bucket":
        shop.store_at = "s3://there-is-none/data"
    elif wrong == "key":
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    elif wrong == "permission":
        for name, value in s3_server.reader.items():
            monkeypatch.setenv(name, value)
    else:
        shop.endpoint = "http://127.0.0.1:9"
    said = shop.tell("run", "-q", "-o", "json")
    assert said.code == 2, said.err
    assert words[wrong] in said.err
    assert "Traceback" not in said.err


def test_a_source_in_a_bucket_is_read_with_keys_of_its_own(
    s3_server: Server, tmp_path: Path, ran: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = make_bucket(s3_server)
    for name, value in s3_server.env.items():
        monkeypatch.setenv(name, value)
        monkeypatch.setenv(f"RAW_{name}", value)
    raw = Workshop(tmp_path, store_at=f"s3://{bucket}/raw", endpoint=s3_server.endpoint).store
    for path in ran.videos.iterdir():
        raw.write(path.name, path)
    for name in (*s3_server.reader,):
        monkeypatch.delenv(name, raising=False)
    shop = prepare(tmp_path)
    uris = {
        "metadata": str(tmp_path / "dataset_train.json"),
        "info": str(tmp_path / "info.csv"),
        "videos": f"s3://{bucket}/raw/",
    }
    for name in ("metadata", "info"):
        raw.write(Path(uris[name]).name, Path(uris[name]))
        uris[name] = f"s3://{bucket}/raw/{Path(uris[name]).name}"
    connection = {"endpoint": s3_server.endpoint, "secretRef": {"name": "raw"}}
    shop.sources = [{"name": "raw", "clip4mc": uris, "s3": connection}]
    shop.run()
    made = {key: [output.digest for output in item.outputs] for key, item in shop.items("samples").items()}
    assert made == {key: [output.digest for output in item.outputs] for key, item in ran.items("samples").items()}

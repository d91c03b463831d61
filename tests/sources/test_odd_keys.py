"""Keys in real buckets that are unusual as file names: each is listed once, and each item is its own file."""

from contextlib import suppress
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from minio import Minio
from minio.error import S3Error

from reelmill.contract.task import Connection
from reelmill_stages.file_names import folded
from reelmill_stages.registry import source
from reelmill_stages.sources.objects.bucket import SourceBucket
from reelmill_stages.store.open import open_location, split_uri
from servers.processes import Server
from servers.s3_servers import make_bucket
from source_folders import items

pytestmark = pytest.mark.store

NAMES = (
    "a", "A", "é", "e\u0301", "ß", "SS", "İ", "a b", " a", "a ", "-a", "--", "...", "a.b", "a%2Fb", "a%20b", "a+b",
    "a?b", "a#b", "a&b=c", "a*b", "[a]", "{a,b}", "~", "~1", "a\\b", 'a"b', "a'b", "a\tb", "a\nb", "a\x7fb",
    "a\x1b[31mb", "\u202ea", "\u200b", "\ufeff", "😀", "日" * 60, "v" * 240, "a:0-1", "a@1.000", "_reelmill",
    ".reelmill-store", "/a", "b//a", "./a", "../a", "b/../a", "b/./a", "CON", "<a>",
    "a|b", "a^b", "`a`", "a;b", "a,b", "$a", "a\u0000",
)  # fmt: skip


@pytest.mark.parametrize("server", ["minio", "seaweedfs"])
def test_every_key_that_a_server_lists_is_one_row_and_every_item_its_own_file(
    server: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    running: Server = request.getfixturevalue(f"{server}_server")
    bucket, connection = make_bucket(running), Connection(endpoint=running.endpoint)
    client = Minio(
        urlsplit(running.endpoint).netloc,
        access_key=running.env["AWS_ACCESS_KEY_ID"],
        secret_key=running.env["AWS_SECRET_ACCESS_KEY"],
        secure=False,
    )
    for number, name in enumerate(NAMES):
        content = f"content {number}".encode()
        with suppress(S3Error, ValueError):  # servers take different keys
            client.put_object(bucket, f"raw/{name}.mp4", BytesIO(content), len(content))
    keys = [each.object_name for each in client.list_objects(bucket, "raw/", recursive=True)]
    assert len(keys) > len(NAMES) / 2

    adapter, block = source("files", {"uri": f"s3://{bucket}/raw", "include": ["**"]})
    rows = list(adapter(block, SourceBucket.connected(connection, running.env), "raw"))
    assert sorted(row.identity for row in rows) == sorted(str(key).removeprefix("raw/") for key in keys)
    names = [folded(row.fields["name"]) for row in items(rows)]
    assert len(set(names)) == len(names)

    store = open_location(f"s3://{bucket}", connection, running.env)
    fetched = {}
    for row in items(rows):
        assert row.media
        key = split_uri(row.media.uri)[1]
        fetched[store.fetch(key, tmp_path, if_match=row.media.etag)] = client.get_object(bucket, key).data
    assert len(fetched) == len(names)
    assert all(path.parent == tmp_path and path.read_bytes() == content for path, content in fetched.items())

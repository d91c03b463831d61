"""The page over a bucket, with keys that may only read."""

from pathlib import Path

import pytest

from dashboard.places import page
from dashboard.test_reading_only import crawled
from e2e.workshop import Workshop
from servers.processes import Server

pytestmark = pytest.mark.store


def test_019_f02_a_bucket_is_shown_with_keys_that_may_only_read(
    s3_server: Server, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3_server.env.items():
        monkeypatch.setenv(name, value)
    shop = Workshop(tmp_path / "shop", name="shop", store_at=f"s3://{bucket}/out", endpoint=s3_server.endpoint)
    shop.film("a.mp4", "b.mp4")
    shop.files()
    shop.stages = [
        {"name": "clips", "clip": {"by": "length", "length": "1s"}, "shards": 2},
        {"name": "keep", "filter": {"rules": [{"name": "big", "field": "media.size", "min": 1}]}},
    ]
    shop.run()
    before = [(stat.key, stat.etag, stat.modified) for stat in shop.store.list()]
    store, env = f"s3://{bucket}/out", dict(s3_server.reader)
    with page(tmp_path / "scratch", store=store, endpoint=s3_server.endpoint, env=env) as client:
        (row,) = client.get("/api/v1/pipelines").json()["rows"]
        assert (row["name"], row["state"], row["items"]) == ("shop", "complete", 4)
        assert client.get("/api/v1/pipelines/default/shop").json()["why"] == "Every input that was listed is processed."
        assert "Every input that was listed is processed." in client.get("/pipelines/default/shop").text
        base = "/pipelines/default/shop/stages/keep/items"
        order = [tile["key"] for tile in client.get(f"/api/v1{base}?sort=duration&desc=true").json()["tiles"]]
        assert len(order) == 4
        whole = client.get(f"{base}/0/files/0").content
        some = client.get(f"{base}/0/files/0", headers={"range": "bytes=5-20"})
        assert (some.status_code, some.content) == (206, whole[5:21])
        assert client.get(f"{base}/0/frame.jpg").headers["content-type"] == "image/jpeg"
        assert {status for address, status in crawled(client).items() if "/raw/items/" not in address} == {200}
    assert [(stat.key, stat.etag, stat.modified) for stat in shop.store.list()] == before


def test_a_bucket_that_may_not_be_read_is_said_on_the_page(minio_server: Server, tmp_path: Path) -> None:
    wrong = {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing-at-all"}
    with page(tmp_path, store="s3://no-such-bucket/x", endpoint=minio_server.endpoint, env=wrong) as client:
        answer = client.get("/")
        assert answer.status_code == 200
        assert "Cannot be read." in answer.text
        assert client.get("/pipelines/a/b").status_code in (400, 503)
        assert client.get("/healthz").status_code == 200

"""Files of items: by ranges, under safe types, and never from outside of the store."""

import os
import socket
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from dashboard.data_sets import Written
from dashboard.places import page
from e2e.workshop import Workshop
from reelmill.contract.errors import StoreError
from reelmill.contract.records.rows import Item, Media
from reelmill.contract.task import Connection, Owner, SourceDef, Step, StoreRef, Task
from reelmill_stages.dashboard.views.files import files_of, place_of
from reelmill_stages.dashboard.web.media import span
from reelmill_stages.dashboard.web.posters import CLOSED, Posters
from reelmill_stages.runtime.preview_frames.clip_frames import shots
from reelmill_stages.runtime.preview_frames.media_places import MediaPlaces

pytestmark = pytest.mark.store  # needs no server, but runs pipelines

FILE = "/pipelines/default/hostile/stages/keep/items/0/files/0"


@given(st.integers(1, 50), st.integers(0, 60), st.none() | st.integers(0, 60))
def test_a_range_is_what_a_slice_of_the_bytes_is(size: int, first: int, last: int | None) -> None:
    data = bytes(range(size))
    found = span(f"bytes={first}-{'' if last is None else last}", size)
    expected = data[first : None if last is None else last + 1]
    if last is not None and last < first:
        assert found == (0, size)  # not valid: RFC 9110 says to ignore it
    elif not expected:
        assert found is None
    else:
        assert found
        assert data[slice(*found)] == expected


@given(st.integers(1, 50), st.integers(1, 60))
def test_a_range_from_the_end_is_one_too(size: int, length: int) -> None:
    data = bytes(range(size))
    found = span(f"bytes=-{length}", size)
    assert found
    assert data[slice(*found)] == data[-length:]


@pytest.mark.parametrize("header", ["", "bytes=0-1,3-4", "items=0-1", "bytes=a-b", "bytes=-", "bytes=1"])
def test_what_is_no_single_range_gets_the_whole_file(header: str) -> None:
    assert span(header, 9) == (0, 9)


def test_019_f04_a_video_is_sent_in_parts_whose_bytes_are_those_of_the_store(
    shop: Workshop, client: TestClient
) -> None:
    item = client.get(f"/api/v1{FILE.removesuffix('/files/0')}").json()
    (path,) = (shop.folder / "store").rglob(item["files"][0]["name"])
    data = path.read_bytes()
    whole = client.get(FILE)
    assert (whole.content, whole.headers["content-type"]) == (data, "video/mp4")
    assert whole.headers["accept-ranges"] == "bytes"
    some = client.get(FILE, headers={"range": "bytes=10-99"})
    assert (some.status_code, some.content) == (206, data[10:100])
    assert some.headers["content-range"] == f"bytes 10-99/{len(data)}"
    assert client.get(FILE, headers={"range": f"bytes={len(data)}-"}).status_code == 416
    assert client.get(FILE, headers={"if-none-match": whole.headers["etag"]}).status_code == 304
    assert "sandbox" in whole.headers["content-security-policy"]


def test_what_a_browser_could_run_is_only_downloaded(client: TestClient) -> None:
    item = client.get("/api/v1/pipelines/default/hostile/stages/tars/items/0").json()
    (number, *_) = [file["number"] for file in item["files"] if file["name"].endswith(".tar")]
    answer = client.get(f"/pipelines/default/hostile/stages/tars/items/0/files/{number}")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment;")
    for name in ("x.svg", "x.html", "x.xhtml", "x.js", "x.pdf", "x", "x.mp4.svg"):
        (file,) = files_of(Item("k", 0, "g", 1.0, Media(f"clips/{'ab' * 5}/0001/{name}", 1)))
        assert (file.media_type, file.kind) == ("application/octet-stream", "other")


def test_a_frame_is_a_picture_of_the_video(client: TestClient) -> None:
    answer = client.get(FILE.replace("files/0", "frame.jpg"))
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.content[:3] == b"\xff\xd8\xff"
    assert client.get(FILE.replace("files/0", "frame.jpg")).content == answer.content


def task(store: str = "x", sources: tuple[SourceDef, ...] = ()) -> Task:
    owner = Owner(namespace="a", name="b", uid="c")
    return Task(step=Step.SURVEY, owner=owner, run=0, store=StoreRef(uri=store), sources=sources)


def place(
    written: Written, *, sources: tuple[SourceDef, ...] = (), trusted: bool = False, folders: bool = True
) -> MediaPlaces:
    return MediaPlaces(task(sources=sources), written.store, {}, trusted=trusted, folders=folders)


@pytest.mark.parametrize(
    "uri",
    [
        "/etc/passwd",
        "file:///etc/passwd",
        "s3://other/secret.mp4",
        "../outside.mp4",
        f"clips/{'ab' * 5}/../../../outside.mp4",
        f"clips/{'ab' * 5}/_reelmill/stage.json",
        f"clips/{'ab' * 5}/0001/_reelmill/items/x.mp4",
        "_reelmill/store.json",
        "loose.mp4",
        "clips/notes/x.mp4",
        "",
    ],
)
def test_a_record_that_names_something_else_leads_nowhere(tmp_path: Path, uri: str) -> None:
    (tmp_path / "outside.mp4").write_bytes(b"secret")
    places = place(Written(tmp_path / "shop"))
    (file,) = files_of(Item("k", 0, "g", 1.0, Media(uri, 6)))
    with pytest.raises(StoreError):
        place_of(places, file)


@pytest.mark.parametrize("at", ["file", "folder"])
def test_a_link_out_of_the_store_is_not_followed(tmp_path: Path, at: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x.mp4").write_bytes(b"secret")
    folder = tmp_path / "shop/store/clips" / ("ab" * 5) / "0001"
    folder.mkdir(parents=True)
    if at == "file":
        (folder / "clips").mkdir()
        (folder / "clips/x.mp4").symlink_to(outside / "x.mp4")
    else:
        (folder / "clips").symlink_to(outside)
    from reelmill_stages.store.read_only import ReadOnly

    written = Written(tmp_path / "shop")
    written.store = ReadOnly(written.store)
    (file,) = files_of(Item("k", 0, "g", 1.0, Media(f"clips/{'ab' * 5}/0001/clips/x.mp4", 6)))
    with pytest.raises(StoreError):
        place_of(place(written), file)


def test_videos_of_a_source_are_served_where_the_pipeline_itself_defines_it(tmp_path: Path) -> None:
    videos = tmp_path / "videos"
    videos.mkdir()
    (videos / "a.mp4").write_bytes(b"video")
    (tmp_path / "b.mp4").write_bytes(b"other")
    sources = (SourceDef(name="raw", key="k", type="files", params={"uri": f"{videos}/"}),)
    written = Written(tmp_path / "shop")

    def file(path: Path, source: str = "raw") -> object:
        (found,) = files_of(Item("k", 0, "g", 1.0, Media(str(path), 5, source=source)))
        return found

    inside = file(videos / "a.mp4")
    store, key = place_of(place(written, sources=sources, trusted=True), inside)  # type: ignore[arg-type]
    assert store.read(key) == b"video"
    for refused in (file(tmp_path / "b.mp4"), file(videos / "../b.mp4"), file(videos / "a.mp4", "other")):
        with pytest.raises(StoreError):
            place_of(place(written, sources=sources, trusted=True), refused)  # type: ignore[arg-type]
    with pytest.raises(StoreError):
        place_of(place(written, sources=sources), inside)  # type: ignore[arg-type]
    # A resource in a cluster names folders of its pods: the same path on the machine of the page is another one.
    with pytest.raises(StoreError):
        place_of(place(written, sources=sources, trusted=True, folders=False), inside)  # type: ignore[arg-type]


@pytest.mark.parametrize("taken", [1, 2])
def test_pictures_leave_nothing_in_the_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: int
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    items = [Item(f"k{number}", number, "g", 1.0, Media(f"clips/{'ab' * 5}/0001/none.mp4", 6)) for number in range(2)]
    made: Any = shots(task(str(tmp_path)), {**os.environ, "TMPDIR": str(temporary)}, items)
    for _ in range(taken):
        assert next(made).problem
    made.close()
    assert list(temporary.iterdir()) == []


def test_a_picture_that_cannot_be_ordered_costs_no_later_one(tmp_path: Path) -> None:
    env: Any = {"NUMBER": 1}  # no process can be started with it
    posters = Posters(tmp_path, env)
    for _ in range(2):
        shot = posters.of(task(str(tmp_path)), Item("k", 0, "g", 1.0, Media("clips/none.mp4", 6)), timeout=120)
        assert shot.problem
        assert shot.problem != "it takes too long"
    posters.close()


def test_pictures_that_are_not_made_end_with_the_dashboard(tmp_path: Path) -> None:
    """One is fetched from a server that never answers, one waits for it, and one is asked for afterwards."""
    items = [Item(name, 0, "g", 1.0, Media(f"clips/{'ab' * 5}/0001/{name}.jpg", 6)) for name in ("a", "b", "c")]
    key = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(2) as pool:
        connection = Connection(endpoint=f"http://127.0.0.1:{server.getsockname()[1]}")
        of = task("s3://films").model_copy(update={"store": StoreRef(uri="s3://films", connection=connection)})
        posters = Posters(tmp_path, {**os.environ, **key})
        waiting = [pool.submit(posters.of, of, item, timeout=600) for item in items[:2]]
        with server.accept()[0]:  # the first is being fetched
            posters.close()
            assert [each.result(600) for each in waiting] == [CLOSED] * 2
        assert posters.of(of, items[2]) == CLOSED


def test_a_pipeline_file_shows_the_videos_of_its_sources(shop: Workshop, tmp_path: Path) -> None:
    base = "/pipelines/default/hostile/stages/captions/items/3"
    with page(tmp_path, file=shop.file) as client:
        assert client.get(f"{base}/files/0").status_code == 200
        assert "hostile" in client.get("/pipelines/default/hostile/yaml").text


def test_values_of_variables_are_on_no_page(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, name="secret")
    shop.film("a.mp4")
    shop.sources = [{"name": "films", "files": {"uri": f"{shop.videos}/"}}]
    shop.stages = [{"name": "tars", "pack": {"sampler": "video_only"}, "env": [{"name": "TOKEN", "value": "canary"}]}]
    assert "canary" in shop.file.read_text()
    with page(tmp_path / "scratch", file=shop.file) as client:
        for path in ("pipelines/default/secret/yaml", "pipelines/default/secret/pipeline.yaml"):
            text = client.get(f"/{path}").text
            assert "TOKEN" in text
            assert "canary" not in text
        document = client.get("/api/v1/pipelines/default/secret/document").json()["yaml"]
        assert "TOKEN" in document
        assert "canary" not in document


def test_a_file_that_is_gone_or_changed_says_so(tmp_path: Path) -> None:
    from dashboard.places import hostile

    shop = hostile(tmp_path / "shop")
    with page(tmp_path / "scratch", store=str(shop.folder / "store")) as client:
        item = client.get(f"/api/v1{FILE.removesuffix('/files/0')}").json()
        (path,) = (shop.folder / "store").rglob(item["files"][0]["name"])
        path.write_bytes(b"short")
        assert client.get(FILE).status_code == 409
        path.unlink()
        assert client.get(FILE).status_code == 404
        assert client.get(FILE.removesuffix("/files/0")).status_code == 200

"""Targets that list sources from a folder: for any metadata, each row is an item or a failed row."""

from contextlib import suppress
from typing import Any

from fuzz.targets.scratch import Scratch, parts
from reelmill.contract.errors import SpecError
from reelmill.contract.task import Connection
from reelmill_stages.registry import source
from reelmill_stages.sources.caption_sets import KNOWN
from reelmill_stages.sources.earlier_items import NOTHING
from reelmill_stages.sources.objects.bucket import SourceBucket

_place = Scratch()
_VIDEOS = {f"videos/{name}": b"video" for name in ("a.mp4", "sub/b.mp4", "01/夜多い/front.mp4")}


def table_listing(data: bytes) -> None:
    """Rows of a table."""
    columns = {"path": "path", "text": "text", "id": "id", "start": "start", "end": "end", "keep": ["more"]}
    for name in ("rows.csv", "rows.jsonl"):
        _list("table", {name: data}, uri=name, columns=columns)


def caption_listing(data: bytes) -> None:
    """The known caption sets."""
    for name in KNOWN:
        _list("captions", {"captions.json": data}, uri="captions.json", videos="videos", dataset=name)


def pair_listing(data: bytes) -> None:
    """`text_video_pairs.json`."""
    _list("pairs", {"pairs.json": data}, uri="pairs.json", clips="videos")


def clip4mc_listing(data: bytes) -> None:
    """CLIP4MC's metadata with its list of files."""
    metadata, info = parts(data, 2)
    _list("clip4mc", {"meta.json": metadata, "info.csv": info}, metadata="meta.json", info="info.csv", videos="videos")


def lip_listing(data: bytes) -> None:
    """IIANet's lists of mixtures and speakers."""
    mix, one, two = parts(data, 3)
    lists = {"lists/tr/mix.json": mix, "lists/tr/s1.json": one, "lists/tr/s2.json": two}
    _list("lips", lists, lists="lists", root="videos", splits=["tr"])


def multiview_listing(data: bytes) -> None:
    """Ranges, labels and the index of splits of recordings."""
    ranges, labels, index = parts(data, 3)
    files = {"ranges.json": ranges, "labels/person_01_night_high_h265.json": labels, "index.json": index}
    given = {"annotations": "ranges.json", "labels": "labels", "index": "index.json"}
    _list("multiview", files, videos="videos", views=["front"], **given)


def _list(type_: str, files: dict[str, bytes], **params: Any) -> None:
    have_videos = (_place.path / "videos").exists()
    for name, content in (files if have_videos else {**files, **_VIDEOS}).items():
        path = _place.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    below = {"uri", "videos", "clips", "metadata", "info", "lists", "root", "annotations", "labels", "index"}
    placed = {name: str(_place.path / value) if name in below else value for name, value in params.items()}
    adapter, block = source(type_, placed)
    keys = []
    with suppress(SpecError):
        keys = [listed.key for listed in adapter(block, SourceBucket.connected(Connection(), {}), "raw", NOTHING)]
    assert len(keys) == len(set(keys))
    for name in files:
        (_place.path / name).unlink()

"""A frame of an item to look at, and what is read for it."""

import struct
from pathlib import Path
from typing import Any

from e2e.workshop import film
from ranged_media import RangedFolder
from reelmill.contract.records.rows import Item, Media
from reelmill_stages.runtime.preview_frames.frame_process import picture

PADDING = 24 << 20


class Bucket:
    """Locations of which every source is in one bucket."""

    def __init__(self, store: RangedFolder) -> None:
        self.bucket = store

    def of_source(self, uri: str, source: str) -> tuple[RangedFolder, str]:
        return self.bucket, uri.rpartition("/")[2]


def test_for_a_frame_of_a_large_video_in_a_bucket_little_of_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "bucket").mkdir()
    path = tmp_path / "bucket/long.mp4"
    path.write_bytes(film().read_bytes())
    with path.open("ab") as file:
        file.write(struct.pack(">I4s", PADDING, b"free") + bytes(PADDING - 8))
    places: Any = Bucket(RangedFolder(tmp_path / "bucket"))
    stat = places.bucket.stat("long.mp4")
    item = Item("k", 0, "g", 1.0, Media("s3://films/long.mp4", stat.size, stat.etag))
    assert picture(item, places, tmp_path / "work").jpeg.startswith(b"\xff\xd8")
    assert 0 < sum(length for _, length in places.bucket.requests) < PADDING / 2
    assert not list((tmp_path / "work").rglob("long.mp4"))

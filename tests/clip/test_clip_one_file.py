"""One video that asks for more than a process has costs itself alone."""

import struct
from pathlib import Path

import pytest
import yaml

import cliprig
from cli.terminal import reelmill

pytestmark = pytest.mark.store

STREAMS = 1500
"""FFmpeg gives up on files with more than 1000 streams, and calls that ENOMEM."""


def box(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content


def avi_of_many_streams() -> bytes:
    """A header for 1500 video streams of Motion JPEG, and no pictures (RIFF AVI)."""
    main = struct.pack("<10I16x", 100_000, 0, 0, 0x10, 3, 0, STREAMS, 0, 64, 48)
    stream = b"vidsMJPG" + struct.pack("<12I", 0, 0, 0, 1, 10, 0, 3, 0, 0, 0, 0, 0)
    form = struct.pack("<IiiHH4sIiiII", 40, 64, 48, 1, 24, b"MJPG", 0, 0, 0, 0, 0)
    one = box(b"LIST", b"strl" + box(b"strh", stream) + box(b"strf", form))
    header = box(b"LIST", b"hdrl" + box(b"avih", main) + one * STREAMS)
    return box(b"RIFF", b"AVI " + header + box(b"LIST", b"movi"))


def test_a_video_of_1500_streams_fails_and_the_others_of_its_shard_are_cut(tmp_path: Path) -> None:
    videos = tmp_path / "videos"
    videos.mkdir()
    for number in range(2):
        (videos / f"good{number}.mp4").write_bytes(cliprig.video(2.0).read_bytes())
    (videos / "bad.avi").write_bytes(avi_of_many_streams())
    pipeline = {
        "apiVersion": "reelmill.dev/v1alpha1",
        "kind": "VideoPipeline",
        "metadata": {"name": "x"},
        "spec": {
            "store": {"uri": str(tmp_path / "data")},
            "sources": [{"name": "raw", "files": {"uri": str(videos)}}],
            "stages": [{"name": "clips", "clip": {"by": "length", "length": "1s"}}],
        },
    }
    file = tmp_path / "pipeline.yaml"
    file.write_text(yaml.safe_dump(pipeline))
    assert reelmill("run", str(file)).code == 0
    said = reelmill("ledger", str(file), "--outcome", "failed").out
    assert "bad.avi" in said
    assert "out_of_memory" in said
    assert "good" not in said
    assert "a new worker that processed only this item ran out of memory" in " ".join(said.split())

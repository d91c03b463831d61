"""Clips to measure, the stage that measures them, and what FFmpeg's own filters say of the same file."""

import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np

import footage
from cliprig import Rig, done
from reelmill.contract.records.rows import Item
from reelmill_stages.registry import stage
from reelmill_stages.stage import Input, NewItem, Result

ALL = {"frames": {"all": True}}


class Desk(Rig):
    """A rig whose parameters may name files."""

    def read(self, uri: str, digest: str = "") -> Path:
        return Path(uri)


def measured(items: Sequence[Item], rig: Rig, **params: Any) -> list[Result]:
    """The results of the stage for a group."""
    made = stage("measure", params)
    made.check()
    made.check_files(lambda ref: Path(ref.uri))
    return list(made.process([Input(item, number) for number, item in enumerate(items)], rig))


def item_of(path: Path, tmp_path: Path, fields: Mapping[str, Any] | None = None, **params: Any) -> NewItem:
    """What one video becomes."""
    rig = Desk(tmp_path)
    (result,) = measured([rig.item("a", path, **(fields or {}))], rig, **params)
    (item,) = done(result).items
    return item


def measures(path: Path, tmp_path: Path, fields: Mapping[str, Any] | None = None, **params: Any) -> dict[str, Any]:
    """The measures of one video."""
    return dict(item_of(path, tmp_path, fields, **params).fields["measures"])


def made(name: str, tmp_path: Path, *arguments: str) -> Path:
    """A file made by ffmpeg with these arguments."""
    path = tmp_path / name
    footage.ffmpeg(*arguments, str(path))
    return path


def raw(name: str, tmp_path: Path, frames: Any, *arguments: str, fps: int = 25) -> Path:
    """Lossless 4:2:0 video of luma frames, uint8 (frames, height, width), in video range; chroma is grey."""
    count, height, width = frames.shape
    chroma = np.full((count, height // 2, width // 2), 128, np.uint8)
    content = b"".join(one.tobytes() + 2 * c.tobytes() for one, c in zip(frames, chroma, strict=True))
    path = tmp_path / name
    given = ("-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{width}x{height}", "-r", str(fps), "-i", "-")
    footage.ffmpeg(*given, "-c:v", "libx264", "-qp", "0", *arguments, str(path), content=content)
    return path


def said(path: Path, filters: str, *, audio: bool = False) -> list[dict[str, str]]:
    """The metadata that filters of the ffmpeg command attach to each frame."""
    kind = (
        ("-vn", "-af", f"{filters},ametadata=print:file=-")
        if audio
        else ("-an", "-vf", f"{filters},metadata=print:file=-")
    )
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-nostdin", "-i", path, *kind, "-f", "null", "-"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    frames: list[dict[str, str]] = []
    for line in text.splitlines():
        if line.startswith("frame:"):
            frames.append({})
        elif "=" in line:
            name, _, value = line.partition("=")
            frames[-1][name] = value
    return frames


def logged(path: Path, *arguments: str) -> str:
    """What ffmpeg logs about a file."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostdin", "-i", path, *arguments, "-f", "null", "-"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stderr


def numbers(pattern: str, text: str) -> list[float]:
    """The numbers that a pattern finds."""
    return [float(found) for found in re.findall(pattern, text)]

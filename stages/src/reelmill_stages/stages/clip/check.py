"""`reelmill check` for clips: verifies that every clip of `text_video_pairs.json` opens and matches its row.

Rules: `rows` (the file is a list of rows), `exists`, `opens`, `frames` (the number of decoded frames equals that of the
container), `duration` (equals that of the row, within two frames), `name` (ends with the times in whole seconds).
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import av

from reelmill.contract.errors import ItemError, TransientError
from reelmill.contract.text.quantities import count_of
from reelmill_stages.file_names import STEM_BYTES
from reelmill_stages.format_checks import Finding, unreadable
from reelmill_stages.media.timeline.timeline import Timeline, read_timeline
from reelmill_stages.stages.clip.pairs import PAIRS, read_pairs

FORMAT = "clips"


class ClipsCheck:
    """The check for the format `clips`."""

    def detect(self, folder: Path) -> bool:
        return (folder / PAIRS).is_file()

    def check(self, folder: Path) -> Iterator[Finding]:
        try:
            rows = read_pairs(folder / PAIRS)
        except (OSError, ValueError, TypeError) as error:
            yield Finding(PAIRS, "rows", ok=False, message=unreadable(error))
            return
        seen: set[str] = set()
        bad = 0
        for number, row in enumerate(rows):
            problem = _row_problem(row, seen)
            if problem:
                bad += 1
                yield Finding(PAIRS, "rows", ok=False, message=f"row {number}: {problem}")
            elif row["clip_path"] is not None:
                yield from _check_clip(folder, row)
        if not bad:
            yield Finding(PAIRS, "rows", ok=True, message=f"{count_of(len(rows), 'row')}")


def _row_problem(row: object, seen: set[str]) -> str:
    if not isinstance(row, dict):
        return "must be an object"
    needed = ("vid", "clip_path", "transcript", "begin_time", "end_time", "duration", "size")
    if missing := [name for name in needed if name not in row]:
        return f"{missing[0]} is missing"
    if not all(isinstance(row[name], int | float) for name in ("begin_time", "end_time", "duration")):
        return "begin_time, end_time and duration must be numbers"
    path = row["clip_path"]
    if path is None:
        return "" if row.get("video") else "clip_path is null, and there is no video"
    if not isinstance(path, str):
        return f"clip_path must be a string or null, not {path!r}"
    if path in seen:
        return f"{path} is in an earlier row too"
    seen.add(path)
    return ""


def _check_clip(folder: Path, row: Mapping[str, Any]) -> Iterator[Finding]:
    name, path = row["clip_path"], folder / row["clip_path"]
    if not path.is_file():
        yield Finding(name, "exists", ok=False, message="the file is missing")
        return
    yield _name_finding(name, path.stem, row)
    try:
        timeline = read_timeline(path)
        decoded = _count_decoded_frames(path, timeline)
    except (ItemError, TransientError, av.FFmpegError) as error:
        yield Finding(name, "opens", ok=False, message=str(error))
        return
    shown = len(timeline)
    yield Finding(
        name, "frames", ok=decoded == shown, message=f"{decoded} of {count_of(shown, 'frame')} can be decoded"
    )
    step = timeline.duration / shown
    off = abs(timeline.duration - row["duration"])
    lasts = f"the clip lasts {timeline.duration:.3f} s, its row says {row['duration']:.3f} s"
    yield Finding(name, "duration", ok=off <= 2 * step + 0.001, message=lasts)


def _name_finding(name: str, stem: str, row: Mapping[str, Any]) -> Finding:
    """The name ends with whole seconds and possibly a unique suffix, which may replace them in very long names."""
    times = f"_{int(row['begin_time'])}_{int(row['end_time'])}"
    ok = re.search(rf"{times}(-[0-9a-f]+)?$", stem) is not None or len(stem.encode()) >= STEM_BYTES
    return Finding(
        name,
        "name",
        ok=ok,
        message="" if ok else f"the file name must end with {times}, the times of its row in seconds",
    )


def _count_decoded_frames(path: Path, timeline: Timeline) -> int:
    with av.open(str(path)) as container:
        stream = container.streams[timeline.stream]
        return sum(1 for _ in container.decode(stream))

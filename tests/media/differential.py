"""Streams by chance through every path of the media code, against a full decode: any difference is a failure.

    make differential ARGS="--count 1000 [--first 0] [--keep DIR]"

A stream may be refused (one ItemError with a reason); what is given must be the pictures of a full decode, at their
places: frames, copied and encoded clips, and virtual clips in the stages that read them. One line for each difference,
and the totals, also when it is interrupted.
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import av

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from exact import picture_digest
from media import stage_paths, streams
from reelmill.contract.errors import ItemError
from reelmill_stages.media.cutting.cut import cut_frames
from reelmill_stages.media.cutting.encode import Encoding, encode
from reelmill_stages.media.cutting.remux import remuxer
from reelmill_stages.media.decoding.decode import decode
from reelmill_stages.media.timeline.timeline import Timeline, read_timeline


@dataclass
class Found:
    """What became of one stream: `told` are the ways it went, `wrong` the differences."""

    told: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Shown:
    """One picture of the full decode: its time, a digest of its samples, the number that it shows."""

    pts: int | None
    digest: str
    number: int


def full(path: Path, errors: list[str] | None = None) -> list[Shown]:
    """Every picture that a decoder gives for the whole file. What it cannot decode is named in `errors`."""
    found: list[Shown] = []
    try:
        container = av.open(str(path))
    except av.FFmpegError:
        return found
    with container:
        if not container.streams.video:
            return found
        container.streams.video[0].thread_count = 1
        for packet in container.demux(video=0):
            try:
                frames = packet.decode()
            except av.FFmpegError as error:
                if errors is not None:
                    errors.append(str(error))
                continue
            found += [_shown(frame) for frame in frames]
    return found


def _shown(frame: av.VideoFrame) -> Shown:
    grey = frame if frame.format.name.startswith(("yuv420p", "gray", "yuvj420p")) else frame.reformat(format="gray")
    if grey.format.components[0].bits > 8:
        grey = frame.reformat(format="gray")
    number = streams.frame_number(bytes(grey.planes[0]), grey.planes[0].line_size)
    return Shown(frame.pts, picture_digest(frame), number)


def judge(made: streams.Stream, folder: Path, found: Found) -> None:
    """Compare all paths on one stream."""
    errors: list[str] = []
    expected = full(made.path, errors)
    chance = random.Random(made.number + 1)
    try:
        timeline = read_timeline(made.path)
    except ItemError as error:
        found.told[f"refused: {error.reason}"] += 1
        may = {"truncated": "cut off", "corrupt": "cut off", "zero_duration": "cut off"}
        if may.get(error.reason, "nothing") not in str(made) and expected and not errors:
            found.wrong.append(f"refused: {error}")
        return
    found.told["measured" if timeline.measured else "planned"] += 1
    if list(timeline.pts) != sorted(set(timeline.pts)):
        found.wrong.append("times do not rise")
    if made.damaged or errors:
        _remains(made, timeline, expected, found)
        return
    if timeline.undecodable:
        # A decoder may show something for them, but not what they were.
        expected = expected[-len(timeline) :]
    if len(timeline) != len(expected):
        found.wrong.append(f"timeline has {len(timeline)} frames, a full decode {len(expected)}")
        return
    _frames(made.path, timeline, expected, chance, found)
    _clips(made.path, timeline, expected, chance, folder, found)
    _stages(made.path, timeline, expected, chance, folder, found)


def _remains(made: streams.Stream, timeline: Timeline, expected: list[Shown], found: Found) -> None:
    """Of a file that lacks bytes, whatever is given must be right; not all can be.

    What a decoder makes up for lost bytes is in its full decode too, so the pictures of the whole file are the judge.
    """
    by_time = {shown.pts: shown.digest for shown in expected}
    undamaged = {shown.pts: shown.digest for shown in full(made.whole)} if made.whole else {}
    whole = set(undamaged.values())
    for index in range(len(timeline)):
        try:
            (picture,) = decode(made.path, timeline, [index])
        except ItemError:
            found.told["frames refused"] += 1
            continue
        right = whole or {by_time.get(timeline.pts[index], "")}
        if made.keeps_times and not timeline.joined:
            right = {undamaged.get(timeline.pts[index], "")}
        elif timeline.measured:
            # Frames that a decoder does not give have their numbers too, where they have times.
            timed = not timeline.joined and timeline.pts[index] in by_time
            right = {by_time[timeline.pts[index]] if timed else expected[index].digest}
        if picture_digest(picture.frame) not in right:
            found.wrong.append(f"frame {index} is no picture of the undamaged file, or not at its time")
            return


def _frames(path: Path, timeline: Timeline, expected: list[Shown], chance: random.Random, found: Found) -> None:
    count = len(timeline)
    some = [chance.sample(range(count), min(count, 3)) for _ in range(3)]
    for wanted in ([*range(count)], [0], [count - 1], *some):
        try:
            got = [(picture.index, picture_digest(picture.frame)) for picture in decode(path, timeline, wanted)]
        except ItemError as error:
            found.wrong.append(f"frames {wanted[:3]}…: {error}")
            return
        if got != [(index, expected[index].digest) for index in sorted(set(wanted))]:
            found.wrong.append(f"frames {wanted[:3]}… are others than in a full decode")
            return


def _clips(
    path: Path, timeline: Timeline, expected: list[Shown], chance: random.Random, folder: Path, found: Found
) -> None:
    for frames in _spans(len(timeline), chance):
        cut = cut_frames(timeline, frames)
        target = folder / "clip.mp4"
        with remuxer(path, timeline, audio=True) as video:
            piece = video.slice_of(cut)
            if piece is None:
                found.told["not copied"] += 1
            else:
                try:
                    video.copy(cut, piece, target)
                    found.told["copied"] += 1
                    right = [shown.digest for shown in expected[frames.start : frames.stop]]
                    if [shown.digest for shown in full(target)] != right:
                        found.wrong.append(f"copied {frames}: other pictures than the source's")
                except ItemError as error:
                    found.told[f"copy refused: {error.reason}"] += 1
                    found.notes.append(f"copy of {frames} refused: {error.what}")
                    if error.reason != "unverified":
                        found.wrong.append(f"copied {frames}: {error}")
            try:
                encode(video, cut, target, Encoding(preset="ultrafast", crf=1))
                found.told["encoded"] += 1
                numbers = [shown.number for shown in full(target)]
                if numbers != [shown.number for shown in expected[frames.start : frames.stop]]:
                    found.wrong.append(f"encoded {frames}: shows {numbers}")
            except ItemError as error:
                found.wrong.append(f"encoded {frames}: {error}")
        target.unlink(missing_ok=True)


def _stages(
    path: Path, timeline: Timeline, expected: list[Shown], chance: random.Random, folder: Path, found: Found
) -> None:
    """What the stages take of one virtual clip."""
    start, stop = sorted(chance.sample(range(len(timeline) + 1), 2))
    clip = range(start, stop)
    try:
        for way, indices, numbers in stage_paths.paths(path, timeline, clip, folder):
            found.told[way] += 1
            right = [expected[index].number for index in indices]
            if numbers != right:
                found.wrong.append(f"{way} of {clip}: shows {numbers}, not {right}")
    except (ItemError, stage_paths.Refused) as error:
        found.wrong.append(f"{clip}: {error.reason}: {error}")


def _spans(count: int, chance: random.Random) -> Iterator[range]:
    for _ in range(2):
        start, stop = sorted(chance.sample(range(count + 1), 2)) if count > 1 else (0, 1)
        yield range(start, stop)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=100)
    options.add_argument("--first", type=int, default=0)
    options.add_argument("--keep", type=Path, help="a folder for the streams that differ")
    options.add_argument("--notes", action="store_true", help="say also why copies were refused")
    given = options.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that starts it in the background ignores it
    told: Counter[str] = Counter()
    count = wrong = 0
    with tempfile.TemporaryDirectory(prefix="differential-") as name, suppress(KeyboardInterrupt):
        for number in range(given.first, given.first + given.count):
            found = _found(number, Path(name), given.keep)
            told += found.told
            wrong += bool(found.wrong)
            count += 1
            for line in [*found.wrong, *(found.notes if given.notes else ())]:
                print(line, flush=True)
    print(f"{count} streams, {wrong} that differ; {', '.join(f'{way} {n}' for way, n in told.most_common())}")
    return int(wrong > 0)


def _found(number: int, folder: Path, keep: Path | None) -> Found:
    """What became of one stream; the lines name it."""
    found = Found()
    try:
        made = streams.stream(number, folder)
    except (subprocess.SubprocessError, av.FFmpegError):
        found.told["could not be made"] += 1
        return found
    try:
        judge(made, folder, found)
    except Exception as error:  # a crash is a difference like any other
        found.wrong.append(f"{type(error).__name__}: {error}")
    if found.wrong and keep:
        keep.mkdir(parents=True, exist_ok=True)
        made.path.replace(keep / made.path.name)
    for path in filter(None, (made.path, made.whole)):
        path.unlink(missing_ok=True)
    for lines in (found.wrong, found.notes):
        lines[:] = [f"{made}\n    {line}" for line in lines]
    return found


if __name__ == "__main__":
    sys.exit(main())

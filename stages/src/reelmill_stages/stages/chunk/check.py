"""`reelmill check` for chunks: verifies the index and the data that it refers to.

Videos in a bucket are not downloaded; for these, only the index is checked.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from reelmill.contract.text.quantities import count_of
from reelmill_stages.format_checks import Finding, unreadable
from reelmill_stages.stages.chunk.boundaries import chunk_count
from reelmill_stages.stages.chunk.check_files import check_points, check_view
from reelmill_stages.stages.chunk.entries import NAME, read_index

Entry = Mapping[str, Any]

FORMAT = "chunks"


class ChunksCheck:
    """The check for the format `chunks`."""

    def detect(self, folder: Path) -> bool:
        return (folder / NAME).is_file()

    def check(self, folder: Path) -> Iterator[Finding]:
        try:
            index = read_index(folder / NAME)
            params, entries = index["params"], index["entries"]
            names = [str(entry["original_item"]["key"]) for entry in entries]
        except (OSError, ValueError, KeyError, TypeError) as error:
            yield Finding(NAME, "readable", False, unreadable(error))
            return
        yield Finding(NAME, "readable", True)
        counted = index.get("videos"), index.get("chunks")
        right = counted == (len(set(names)), len(names))
        message = (
            f"it declares {counted[0]} videos and {counted[1]} chunks, but lists {len(set(names))} and {len(names)}"
        )
        yield Finding(NAME, "counts", right, "" if right else message)
        for video, chunks in groupby(zip(names, entries, strict=True), key=lambda pair: pair[0]):
            yield from _check_video(video, [entry for _, entry in chunks], params, folder)


def _check_video(video: str, entries: list[Entry], params: Entry, folder: Path) -> Iterator[Finding]:
    try:
        yield from _check_tiling(video, entries, params)
        for entry in entries:
            name = str(entry["key"])
            yield from _check_views(name, entry)
            yield from _check_labels(name, entry, params)
            yield from _check_keypoints(name, entry)
        for entry in entries:
            for view, reference in entry["views"].items():
                yield from check_view(f"{entry['key']} {view}", reference, _chunk_length(entry), folder)
            for view, reference in entry.get("keypoints", {}).items():
                yield from check_points(f"{entry['key']} {view}", reference, folder)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        yield Finding(video, "fields", False, f"an entry is not valid: {unreadable(error)}")


def _check_tiling(video: str, entries: list[Entry], params: Entry) -> Iterator[Finding]:
    """Check that chunks cover their range in order and without gaps, and all but the last have the maximum length."""
    total, complete = entries[0]["total_chunks"], params["gaps"] == "front"
    numbers = [entry["chunk_idx"] for entry in entries]
    right = numbers == sorted(set(numbers)) and all(0 <= number < total for number in numbers)
    right = right and all(entry["total_chunks"] == total for entry in entries)
    right = right and (not complete or len(numbers) == total)
    yield Finding(
        video, "chunk_idx", right, "" if right else f"the chunk numbers {numbers} do not match the total of {total}"
    )
    offsets = {entry["start_frame_offset"] for entry in entries}
    yield Finding(
        video,
        "start_frame_offset",
        len(offsets) == 1,
        "" if len(offsets) == 1 else f"the chunks have different offsets: {', '.join(map(str, offsets))}",
    )
    limit, overlap = params["maxFrames"], params["overlap"]
    for entry in entries:
        start, end, number = entry["chunk_start_frame"], entry["chunk_end_frame"], entry["chunk_idx"]
        last = number == total - 1
        begins = number * (limit - overlap) if limit else 0
        whole = end - start == limit or (last and 0 < end - start <= (limit or end))
        right = start == begins and whole
        message = (
            f"frames {start} to {end} are wrong for chunk {number} of {total}: maxFrames {limit}, overlap {overlap}"
        )
        yield Finding(str(entry["key"]), "boundaries", right, "" if right else message)
        if last:
            right = chunk_count(end, limit, overlap) == total
            yield Finding(
                str(entry["key"]),
                "total_chunks",
                right,
                "" if right else f"{count_of(end, 'frame')} do not make {total} chunks",
            )


def _check_views(name: str, entry: Entry) -> Iterator[Finding]:
    """Check that all views of a chunk have the same number of frames, and the frame numbers of the chunk."""
    lengths = {view: reference["frames"][1] - reference["frames"][0] for view, reference in entry["views"].items()}
    right = len(lengths) > 0 and set(lengths.values()) == {_chunk_length(entry)}
    yield Finding(
        name,
        "views_equal",
        right,
        "" if right else f"the views have {_numbers_by_view(lengths)} frames, the chunk {_chunk_length(entry)}",
    )
    first = entry["start_frame_offset"] + entry["chunk_start_frame"]
    starts = {view: reference["frames"][0] for view, reference in entry["views"].items() if "media" in reference}
    plain = {view: start for view, start in starts.items() if "span" not in entry["views"][view]["media"]}
    wrong = {view: start for view, start in plain.items() if start != first}
    yield Finding(
        name,
        "frame_numbers",
        not wrong,
        f"frame numbers must begin at {first}: {_numbers_by_view(wrong)}" if wrong else "",
    )


def _check_labels(name: str, entry: Entry, params: Entry) -> Iterator[Finding]:
    """Check that labels are within the chunk and known."""
    labels = entry["labels"]
    if labels is None:
        return
    outside = [label for label in labels if not 0 <= label[0] < label[1] <= _chunk_length(entry)]
    yield Finding(
        name,
        "labels_inside",
        not outside,
        f"labels outside of the {_chunk_length(entry)} frames: {outside}" if outside else "",
    )
    unknown = sorted({label[2] for label in labels} - set(params["classes"]))
    yield Finding(name, "labels_known", not unknown, f"unknown classes: {', '.join(unknown)}" if unknown else "")
    yield Finding(
        name, "labels_some", bool(labels), "" if labels else "the chunk has no labels and is not a training sample"
    )
    if params["gaps"] == "front":
        right = bool(outside) or _is_covered(labels, _chunk_length(entry))
        yield Finding(name, "labels_cover", right, "" if right else "some frames have no label, although gaps is front")


def _is_covered(labels: Sequence[tuple[int, int, str]], frames: int) -> bool:
    """Return whether labels, which are within this number of frames, cover all of them."""
    reached = 0
    for start, end, *_ in sorted(labels):
        if start > reached:
            return False
        reached = max(reached, end)
    return reached == frames


def _check_keypoints(name: str, entry: Entry) -> Iterator[Finding]:
    """Check that keypoints use the frame numbers of the whole video."""
    first = entry["start_frame_offset"] + entry["chunk_start_frame"]
    for view, reference in entry.get("keypoints", {}).items():
        span = "span" in entry["views"][view].get("media", {})
        right = reference["frames"][1] - reference["frames"][0] == _chunk_length(entry) and (
            span or reference["frames"][0] == first
        )
        message = f"{view} has keypoints of frames {reference['frames']}, but the chunk begins at frame {first}"
        yield Finding(name, "keypoint_frames", right, "" if right else message)


def _numbers_by_view(numbers: Mapping[str, int]) -> str:
    return ", ".join(f"{view} {number}" for view, number in numbers.items())


def _chunk_length(entry: Entry) -> int:
    length: int = entry["chunk_end_frame"] - entry["chunk_start_frame"]
    return length

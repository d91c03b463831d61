"""`reelmill check` for chunks: verifies the index and the data that it refers to.

Videos in a bucket are not downloaded; for these, only the index is checked.
"""

from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from reelmill_stages.format_checks import Finding
from reelmill_stages.stages.chunk.boundaries import boundaries
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
            missing = isinstance(error, FileNotFoundError)
            yield Finding(NAME, "readable", False, "is missing" if missing else f"{type(error).__name__}: {error}")
            return
        yield Finding(NAME, "readable", True)
        counted = index.get("videos"), index.get("chunks")
        right = counted == (len(set(names)), len(names))
        message = f"says {counted[0]} videos and {counted[1]} chunks, holds {len(set(names))} and {len(names)}"
        yield Finding(NAME, "counts", right, "" if right else message)
        for video, chunks in groupby(zip(names, entries, strict=True), key=lambda pair: pair[0]):
            yield from _video(video, [entry for _, entry in chunks], params, folder)


def _video(video: str, entries: list[Entry], params: Entry, folder: Path) -> Iterator[Finding]:
    try:
        yield from _tiling(video, entries, params)
        for entry in entries:
            name = str(entry["key"])
            yield from _views(name, entry)
            yield from _labels(name, entry, params)
            yield from _keypoints(name, entry)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        yield Finding(video, "fields", False, f"an entry lacks something or says it wrongly: {error!r}")
        return
    for entry in entries:
        for view, told in entry["views"].items():
            yield from check_view(f"{entry['key']} {view}", told, _length(entry), folder)
        for view, told in entry.get("keypoints", {}).items():
            yield from check_points(f"{entry['key']} {view}", told, folder)


def _tiling(video: str, entries: list[Entry], params: Entry) -> Iterator[Finding]:
    """Chunks cover their range in order and without gaps, and all but the last have the maximum length."""
    total, complete = entries[0]["total_chunks"], params["gaps"] == "front"
    numbers = [entry["chunk_idx"] for entry in entries]
    right = numbers == sorted(set(numbers)) and all(0 <= number < total for number in numbers)
    right = right and all(entry["total_chunks"] == total for entry in entries)
    right = right and (not complete or numbers == list(range(total)))
    yield Finding(video, "chunk_idx", right, "" if right else f"chunks {numbers} of {total}")
    offsets = {entry["start_frame_offset"] for entry in entries}
    yield Finding(video, "start_frame_offset", len(offsets) == 1, "" if len(offsets) == 1 else f"starts at {offsets}")
    limit, overlap = params["maxFrames"], params["overlap"]
    for entry in entries:
        start, end, number = entry["chunk_start_frame"], entry["chunk_end_frame"], entry["chunk_idx"]
        last = number == total - 1
        begins = number * (limit - overlap) if limit else 0
        whole = end - start == limit or (last and 0 < end - start <= (limit or end))
        right = start == begins and whole
        message = f"frames {start} to {end} as chunk {number} of {total}, at most {limit} with {overlap} shared"
        yield Finding(str(entry["key"]), "boundaries", right, "" if right else message)
        if last:
            right = len(boundaries(end, limit, overlap)) == total
            yield Finding(str(entry["key"]), "total_chunks", right, "" if right else f"{end} frames in {total} chunks")


def _views(name: str, entry: Entry) -> Iterator[Finding]:
    """All views of a chunk have the same number of frames, and the frame numbers of the chunk."""
    lengths = {view: told["frames"][1] - told["frames"][0] for view, told in entry["views"].items()}
    right = len(lengths) > 0 and set(lengths.values()) == {_length(entry)}
    yield Finding(name, "views_equal", right, "" if right else f"{lengths} frames in a chunk of {_length(entry)}")
    first = entry["start_frame_offset"] + entry["chunk_start_frame"]
    starts = {view: told["frames"][0] for view, told in entry["views"].items() if "media" in told}
    plain = {view: start for view, start in starts.items() if "span" not in entry["views"][view]["media"]}
    wrong = {view: start for view, start in plain.items() if start != first}
    yield Finding(name, "frame_numbers", not wrong, f"begin at {wrong}, the chunk at {first}" if wrong else "")


def _labels(name: str, entry: Entry, params: Entry) -> Iterator[Finding]:
    """Labels are within the chunk and known."""
    labels = entry["labels"]
    if labels is None:
        return
    outside = [label for label in labels if not 0 <= label[0] < label[1] <= _length(entry)]
    yield Finding(name, "labels_inside", not outside, f"{outside} in {_length(entry)} frames" if outside else "")
    unknown = sorted({label[2] for label in labels} - set(params["classes"]))
    yield Finding(name, "labels_known", not unknown, f"{', '.join(unknown)} is no class" if unknown else "")
    yield Finding(name, "labels_some", bool(labels), "" if labels else "a chunk without a label is no sample")
    if params["gaps"] == "front":
        covered = set().union(*(range(label[0], label[1]) for label in labels)) if not outside else {-1}
        right = len(covered) == _length(entry) or bool(outside)
        yield Finding(name, "labels_cover", right, "" if right else "frames have no label, although gaps are front")


def _keypoints(name: str, entry: Entry) -> Iterator[Finding]:
    """Keypoints use the frame numbers of the whole video."""
    first = entry["start_frame_offset"] + entry["chunk_start_frame"]
    for view, told in entry.get("keypoints", {}).items():
        span = "span" in entry["views"][view].get("media", {})
        right = told["frames"][1] - told["frames"][0] == _length(entry) and (span or told["frames"][0] == first)
        message = f"{view} has those of frames {told['frames']}, the chunk begins at {first}"
        yield Finding(name, "keypoint_frames", right, "" if right else message)


def _length(entry: Entry) -> int:
    length: int = entry["chunk_end_frame"] - entry["chunk_start_frame"]
    return length

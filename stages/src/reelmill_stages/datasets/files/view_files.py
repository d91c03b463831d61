"""Reading of frames and keypoints of chunks from long videos or chunk files. Only the requested frames are decoded.

Each process caches a few files and their packet tables, which the chunks of a video share. A large video in a bucket is
read by ranges; any other file is downloaded once, and deleted when it is evicted.
"""

import os
import shutil
import tempfile
import weakref
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from posixpath import normpath
from typing import Any

import numpy as np

from reelmill.contract.errors import ItemError, SpecError
from reelmill_stages.datasets.files.place import SampleFolder
from reelmill_stages.media.decoding.decode import decode
from reelmill_stages.media.decoding.picture import Pixels, Turned, render, shown_size
from reelmill_stages.media.timeline.timeline import Timeline, read_timeline
from reelmill_stages.media_file import MediaFile, WholeFileNeeded, local_path
from reelmill_stages.remote_media import by_ranges
from reelmill_stages.store.ranges.block_cache import BlockCache
from reelmill_stages.untrusted.arrays import ArrayError, map_array

KEPT = 6
"""Maximum number of cached files per process: two recordings with three views."""


class ViewFiles:
    """The files of a chunk index. `place` is the folder of the index; `source` reads absolute uris."""

    def __init__(self, place: SampleFolder, source: SampleFolder) -> None:
        self._place = place
        self._source = source
        self._forget()

    def __getstate__(self) -> dict[str, object]:
        return {"_place": self._place, "_source": self._source}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._forget()

    def pictures(
        self, entry: Mapping[str, Any], wanted: Sequence[int], size: tuple[int, int] | None
    ) -> Iterator[tuple[int, Pixels]]:
        """Yield (frame number in the chunk, RGB pixels uint8 (height, width, 3)) of wanted frames of a view, in order.

        Frames have their display size. Raises SpecError if the file changed, and for a stored array whose frames do not
        have the requested `size` (height, width).
        """
        file = self._local_or_remote_file(entry)
        if isinstance(file, Path):
            yield from self._pictures(file, entry, wanted, size)
            return
        try:
            # Check all frames before the first one is yielded.
            made = list(self._pictures(file, entry, wanted, size))
        except (WholeFileNeeded, ItemError):
            made = list(self._pictures(self._local_or_remote_file(entry, whole=True), entry, wanted, size))
        yield from made

    def _pictures(
        self, path: MediaFile, entry: Mapping[str, Any], wanted: Sequence[int], size: tuple[int, int] | None
    ) -> Iterator[tuple[int, Pixels]]:
        if isinstance(path, Path) and path.suffix == ".npy":
            yield from _array_frames(path, wanted, size)
            return
        timeline = self._timeline(path)
        first = entry["frames"][0]
        if "pts" in entry and (entry["frames"][1] > len(timeline) or timeline.pts[first] != entry["pts"][0]):
            raise SpecError("the frames of the video differ from the index", where=entry["media"]["uri"], hint=_AGAIN)
        turned = Turned(timeline.shape)
        for picture in decode(path, timeline, [first + frame for frame in wanted]):
            upright = turned.of(picture.frame)
            width, height = shown_size(picture.frame, upright)
            yield picture.index - first, render(picture.frame, width=width, height=height, turned=upright)

    def size(self, entry: Mapping[str, Any]) -> tuple[int, int]:
        """Return (height, width) in pixels of the frames of one view, by decoding one frame."""
        ((_, pixels),) = self.pictures(entry, [0], None)
        return pixels.shape[0], pixels.shape[1]

    def points(self, entry: Mapping[str, Any]) -> "np.ndarray[Any, np.dtype[np.float32]]":
        """Return the keypoints of a view of a chunk, a memory-mapped array float32 (frames, joints, 3)."""
        return _mapped(local_path(self._local_or_remote_file(entry), "an array is mapped into memory"))

    def _forget(self) -> None:
        self._paths: OrderedDict[str, tuple[MediaFile, Path | None]] = OrderedDict()
        self._timelines: dict[MediaFile, Timeline] = {}
        self._cache: BlockCache | None = None
        self._folder: Path | None = None
        self._process = os.getpid()

    def _local_or_remote_file(self, entry: Mapping[str, Any], *, whole: bool = False) -> MediaFile:
        """Return the file of a view; with `whole`, a local one."""
        if self._process != os.getpid():
            self._forget()
        uri = self._uri(entry["file"] if "file" in entry else entry["media"]["uri"])
        if whole and uri in self._paths:
            self._close_file(*self._paths.pop(uri))
        if uri not in self._paths:
            while len(self._paths) >= KEPT:
                self._close_file(*self._paths.popitem(last=False)[1])
            self._paths[uri] = self._fetch(uri, entry.get("media", {}), whole=whole)
        self._paths.move_to_end(uri)
        return self._paths[uri][0]

    def _close_file(self, file: MediaFile, folder: Path | None) -> None:
        self._timelines.pop(file, None)
        if not isinstance(file, Path):
            file.close()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def _fetch(self, uri: str, media: Mapping[str, Any], *, whole: bool) -> tuple[MediaFile, Path | None]:
        """Return (file, temporary folder to which it was downloaded or None)."""
        store, key = (self._source if media.get("source") else self._place).store(uri)
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="reelmill-chunks-"))
            weakref.finalize(self, _remove, self._folder, self._process)
        if not media.get("source"):
            self._place.ensure(uri)
        if not whole and media.get("etag") and not media.get("digest"):
            self._cache = self._cache or BlockCache(self._folder)
            version = media.get("version", "")
            if remote := by_ranges(store, key, media["size"], self._cache, etag=media["etag"], version=version):
                return remote, None
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        path = store.fetch(key, folder, if_match=media.get("etag", ""), version=media.get("version", ""))
        return path, folder if path.is_relative_to(folder) else None

    def _timeline(self, path: MediaFile) -> Timeline:
        if path not in self._timelines:
            self._timelines[path] = read_timeline(path)
        return self._timelines[path]

    def _uri(self, name: str) -> str:
        at = self._place.at(name)
        scheme, separator, rest = at.rpartition("://")
        return f"{scheme}{separator}{normpath(rest)}"


_AGAIN = "the video was replaced; list the source again with a new epoch"


def _mapped(path: Path) -> "np.ndarray[Any, Any]":
    try:
        return map_array(path)
    except ArrayError as error:
        raise SpecError(f"not an array: {error}", where=path.name, hint="for details, run reelmill check") from error


def _array_frames(path: Path, wanted: Sequence[int], size: tuple[int, int] | None) -> Iterator[tuple[int, Pixels]]:
    frames = _mapped(path)
    if size is not None and frames.shape[1:3] != size:
        raise SpecError(
            f"the stored frames are {frames.shape[1]}x{frames.shape[2]}, not {size[0]}x{size[1]}",
            where=path.name,
            hint="set size=None, or write chunks with that width and height",
        )
    for frame in wanted:
        yield frame, frames[frame]


def _remove(folder: Path, process: int) -> None:
    """Delete a folder, except in a forked process whose parent still uses it."""
    if process == os.getpid():
        shutil.rmtree(folder, ignore_errors=True)

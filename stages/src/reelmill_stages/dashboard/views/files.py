"""The files of an item that may be served: committed outputs of the store, and media of sources defined in a file."""

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from reelmill.contract.errors import NotFound, ReelmillError
from reelmill.contract.records.rows import Item
from reelmill_stages.dashboard.views.models import FileView
from reelmill_stages.runtime.preview_frames.media_places import MediaPlaces
from reelmill_stages.store import Store
from reelmill_stages.store.web.urls import file_path

Kind = Literal["video", "image", "audio", "text", "other"]
TYPES: dict[str, tuple[str, Kind]] = {
    ".mp4": ("video/mp4", "video"),
    ".m4v": ("video/mp4", "video"),
    ".mov": ("video/mp4", "video"),
    ".webm": ("video/webm", "video"),
    ".mkv": ("video/webm", "video"),
    ".jpg": ("image/jpeg", "image"),
    ".jpeg": ("image/jpeg", "image"),
    ".png": ("image/png", "image"),
    ".gif": ("image/gif", "image"),
    ".webp": ("image/webp", "image"),
    ".wav": ("audio/wav", "audio"),
    ".mp3": ("audio/mpeg", "audio"),
    ".flac": ("audio/flac", "audio"),
    ".m4a": ("audio/mp4", "audio"),
    ".ogg": ("audio/ogg", "audio"),
    ".txt": ("text/plain; charset=utf-8", "text"),
    ".json": ("text/plain; charset=utf-8", "text"),
    ".jsonl": ("text/plain; charset=utf-8", "text"),
    ".srt": ("text/plain; charset=utf-8", "text"),
    ".vtt": ("text/plain; charset=utf-8", "text"),
}
"""Extension -> (media type, kind) of files that a browser can show. All others are only downloaded."""
ONLY_DECODED = frozenset({".ts", ".mts", ".m2ts", ".avi", ".flv", ".wmv", ".mpg", ".mpeg", ".3gp", ".ogv"})
"""Extensions of videos that browsers do not play; a frame of them is shown."""
OTHER: tuple[str, Kind] = ("application/octet-stream", "other")


@dataclass(frozen=True, slots=True)
class ServedFile:
    """A file of an item, and where to read it."""

    name: str
    size: int
    digest: str
    etag: str
    media_type: str
    kind: Kind
    uri: str
    source: str

    @property
    def has_frames(self) -> bool:
        """Whether it is a video, so that one of its frames can be shown."""
        return self.kind == "video" or PurePosixPath(self.name).suffix.lower() in ONLY_DECODED

    def view(self, number: int, problem: str = "") -> FileView:
        return FileView(
            number=number, name=self.name, size=self.size, digest=self.digest, kind=self.kind, problem=problem
        )


def files_of(item: Item) -> list[ServedFile]:
    """Return the files of an item: its media first, then its outputs."""
    found: list[ServedFile] = []
    if item.media is not None:
        media = item.media
        found.append(_file(media.uri, media.size, media.digest, media.etag, media.source))
    found += [
        _file(output.key, output.size, output.digest, "", "")
        for output in item.outputs
        if not item.media or output.key != item.media.uri
    ]
    return found


def place_of(places: MediaPlaces, file: ServedFile) -> tuple[Store, str]:
    """Return (store, key) of a file. Raises StoreError if it may not be served."""
    return places.place(file.uri, file.source)


def problem_of(places: MediaPlaces, file: ServedFile) -> str:
    """Return why a file is not served; empty if it is."""
    try:
        place_of(places, file)
    except NotFound:
        return "the file no longer exists"
    except ReelmillError as error:
        return error.what
    return ""


def _file(uri: str, size: int, digest: str, etag: str, source: str) -> ServedFile:
    name = file_path(uri).rpartition("/")[2]
    media_type, kind = TYPES.get(PurePosixPath(name).suffix.lower(), OTHER)
    return ServedFile(name, size, digest, etag, media_type, kind, uri, source)

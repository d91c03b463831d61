"""The files of an item that may be served: committed outputs of the store, and media of sources that a file defines.

Records may be hostile: a name in one is used only where it stays in a data set of the store, is none of reelmill's own
records, and no link is on the way. An address outside the store is used only below a folder of a source that the
pipeline itself defines; what a store says about sources is not enough.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from reelmill.contract.errors import NotFound, ReelmillError, StoreError
from reelmill.contract.records.layout import INTERNAL, KEY_DIGITS
from reelmill.contract.records.rows import Item, Media
from reelmill.contract.task import SourceDef, Task
from reelmill_stages.dashboard.views.models import FileView
from reelmill_stages.sources.objects.own_store import folders
from reelmill_stages.store import Store
from reelmill_stages.store.keys import check_new_key
from reelmill_stages.store.local.folders import refuse_links
from reelmill_stages.store.local.store import LocalStore
from reelmill_stages.store.locations import Locations, is_absolute
from reelmill_stages.store.open import split_uri
from reelmill_stages.store.read_only import ReadOnly

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
"""Extension -> (media type, kind) of what a browser shows by itself. Everything else is only downloaded."""
ONLY_DECODED = frozenset({".ts", ".mts", ".m2ts", ".avi", ".flv", ".wmv", ".mpg", ".mpeg", ".3gp", ".ogv"})
"""Extensions of videos that no browser plays; a frame of them is shown."""
OTHER: tuple[str, Kind] = ("application/octet-stream", "other")


@dataclass(frozen=True, slots=True)
class ServedFile:
    """A file of an item, and where it is read."""

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
    """The files of an item: its media first, then its outputs."""
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


class MediaPlaces:
    """Where the files of a pipeline's items are read."""

    def __init__(
        self, task: Task, store: Store, env: Mapping[str, str], *, trusted: bool, folders: bool = True
    ) -> None:
        """With `trusted`, the task's sources are those of the pipeline itself, not what a store says.

        Without `folders`, only those in buckets are read: a folder that a resource in a cluster names is one of its
        pods, and not that of this machine.
        """
        self._store = store
        self._task = task
        self._locations = Locations(task.store, task.sources, env) if trusted else None
        self._folders = folders
        self._sources: Mapping[str, SourceDef] = {source.name: source for source in task.sources}

    def place(self, file: ServedFile) -> tuple[Store, str]:
        """(store, key) of a file. Raises StoreError where it may not be served."""
        if not is_absolute(file.uri):
            return self._store, self._own(file.uri)
        if self._locations is None or not self._is_of_source(file):
            raise StoreError(
                "this file lies outside of the store",
                where=file.name,
                hint="give `reelmill dashboard` the pipeline file",
            )
        store, key = self._locations.of_source(file.uri, file.source)
        return ReadOnly(store), key

    def media(self, media: Media) -> None:
        """Raises StoreError where a video may not be read."""
        self.place(_file(media.uri, media.size, media.digest, media.etag, media.source))

    def _own(self, key: str) -> str:
        parts = check_new_key(key).split("/")
        is_data = len(parts) > 2 and len(parts[1]) == KEY_DIGITS and set(parts[1]) <= set("0123456789abcdef")
        if not is_data or INTERNAL in parts:
            raise StoreError("this record names a file that is in no data set", where=key[:200])
        refuse_outside(self._store, key)
        return key

    def _is_of_source(self, file: ServedFile) -> bool:
        source = self._sources.get(file.source)
        if source is None:
            return False
        root, key = split_uri(file.uri)
        if root == "/" and not self._folders:
            return False
        for _, uri in folders(source):
            listed, above = split_uri(uri)
            if root == listed and f"{key}/".startswith(f"{above.rstrip('/')}/" if above.strip("/") else ""):
                return True
        return False


def refuse_outside(store: Store, key: str) -> None:
    """Raises StoreError where a link leads to a file of a folder: it may lead out of the store."""
    inner = store.inner if isinstance(store, ReadOnly) else store
    if isinstance(inner, LocalStore):
        *above, name = key.split("/")
        refuse_links(inner.root, above)
        if (inner.root / key).is_symlink():
            raise StoreError("this is a link, which may lead out of the store", where=name)


def problem_of(places: MediaPlaces, file: ServedFile) -> str:
    """Why a file is not served; empty if it is."""
    try:
        places.place(file)
    except NotFound:
        return "the file is gone"
    except ReelmillError as error:
        return error.what
    return ""


def _file(uri: str, size: int, digest: str, etag: str, source: str) -> ServedFile:
    name = uri.rpartition("/")[2]
    media_type, kind = TYPES.get(PurePosixPath(name).suffix.lower(), OTHER)
    return ServedFile(name, size, digest, etag, media_type, kind, uri, source)

"""The environment of `process` in a worker: scratch folder, media, and files that parameters refer to."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reelmill.contract.errors import (
    ItemError,
    NotFound,
    PreconditionFailed,
    RangesUnsupported,
    ServerRefused,
    SpecError,
    StoreDamaged,
    StoreError,
    TransientError,
)
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Media
from reelmill_stages.host.disk import is_disk_full
from reelmill_stages.media_file import MediaFile, RemoteFile
from reelmill_stages.model_servers.answers import Answers, NoAnswers
from reelmill_stages.remote_media import by_ranges
from reelmill_stages.store import Store
from reelmill_stages.store.damage import address, changed
from reelmill_stages.store.digests import file_digest
from reelmill_stages.store.locations import Locations, is_absolute
from reelmill_stages.store.ranges.block_cache import BlockCache


class Files:
    """Files that parameters refer to, downloaded once per worker."""

    def __init__(self, locations: Locations, pins: Mapping[str, str], folder: Path) -> None:
        self._locations = locations
        self._pins = pins
        self._folder = folder
        self._known: dict[tuple[str, str], Path] = {}

    def read(self, uri: str, digest: str = "") -> Path:
        """The local file, verified by its digest or pin. Raises SpecError if it is missing or differs."""
        digest = digest or self._pins.get(uri, "")
        if (uri, digest) not in self._known:
            folder = self._folder / hashlib.sha256(uri.encode()).hexdigest()[:16]
            folder.mkdir(parents=True, exist_ok=True)
            store, key = self._locations.of_file(uri)
            try:
                path = store.fetch(key, folder)
            except NotFound as error:
                raise SpecError(
                    "no such file", where=uri, hint="restore the file: it existed when the stage started"
                ) from error
            if digest and file_digest(path) != digest:
                raise SpecError("the file differs from the pinned one", where=uri, hint="restore the file")
            self._known[uri, digest] = path
        return self._known[uri, digest]


class GroupWork:
    """Implements `stage.Work` for one group. `folder` is an empty folder for this group.

    With `ranges`, `open` reads large objects by ranges; then `process` may raise WholeFileNeeded.
    """

    def __init__(
        self,
        locations: Locations,
        files: Files,
        folder: Path,
        gpu: int | None,
        *,
        ranges: bool = False,
        answers: Answers | None = None,
    ) -> None:
        self._locations = locations
        self._files = files
        self._gpu = gpu
        self._answers = answers or NoAnswers()
        self._scratch = folder / "scratch"
        self._fetched = folder / "fetched"
        self._known: dict[tuple[str, str, str, str], Path] = {}
        self._lent: list[_LentFile] = []
        self._fetches = 0
        self._ranges = ranges
        self._cache: BlockCache | None = None
        self._remote: dict[tuple[str, str, str, str], RemoteFile | None] = {}
        self._scratch.mkdir(parents=True)

    @property
    def scratch(self) -> Path:
        return self._scratch

    @property
    def answers(self) -> Answers:
        return self._answers

    @property
    def fetched(self) -> Path:
        """The folder with downloaded media."""
        return self._fetched

    @property
    def gpu(self) -> int | None:
        return self._gpu

    def read(self, uri: str, digest: str = "") -> Path:
        return self._files.read(uri, digest)

    def fetch(self, media: Media) -> Path:
        """Download media to a local file, which must not be modified.

        Raises ItemError with the reason `missing`, `changed`, `s3_5xx` (server errors after all retries) or
        `unreadable` (request rejected).
        """
        identity = _identity(media)
        if identity not in self._known:
            self._fetches += 1
            folder = self._fetched / str(self._fetches)
            folder.mkdir(parents=True)
            with _as_item_errors(media.uri):
                self._known[identity] = self._fetch(media, folder)
        return self._known[identity]

    def open(self, media: Media) -> MediaFile:
        """Open media: by ranges if they are a large object of a source, otherwise like `fetch`."""
        if not self._ranges or media.digest or not is_absolute(media.uri):
            return self.fetch(media)
        identity = _identity(media)
        if identity not in self._remote:
            store, key = self._locations.of_source(media.uri, media.source)
            self._cache = self._cache or BlockCache(self._scratch)
            with _as_item_errors(media.uri):
                self._remote[identity] = by_ranges(
                    store,
                    key,
                    media.size,
                    self._cache,
                    etag=media.etag,
                    version=media.version,
                    errors=lambda: _as_item_errors(media.uri),
                )
        return self._remote[identity] or self.fetch(media)

    def changed(self) -> dict[str, ItemError]:
        """URI -> error of media that were replaced, edited or removed in a folder after `fetch` returned their file.

        What was read of such a file may be of two versions. Downloads and ranges are of one version.
        """
        errors: dict[str, ItemError] = {}
        for lent in self._lent:
            try:
                with _as_item_errors(lent.uri, "while it was read"):
                    if lent.store.stat(lent.key).etag != lent.etag:
                        raise PreconditionFailed("the file has changed", where=lent.uri)
            except ItemError as error:
                errors[lent.uri] = error
        return errors

    @property
    def used_ranges(self) -> bool:
        """Whether a file was read by ranges."""
        return any(self._remote.values())

    def close(self) -> None:
        """End the reads by ranges; files that `open` returned must not be used afterwards."""
        for remote in self._remote.values():
            if remote is not None:
                remote.close()
        if self._cache is not None:
            self._cache.close()

    def files_in(self, uri: str, source: str) -> Iterator[Media]:
        """The current objects in a folder of a source, without subfolders, sorted by name."""
        folder = uri.rstrip("/") + "/"
        store, key = self._locations.of_source(folder, source)
        root = folder.removesuffix(key)
        with _as_item_errors(uri):
            for stat in store.list(key):
                if "/" not in stat.key.removeprefix(key):
                    yield Media(f"{root}{stat.key}", stat.size, stat.etag, stat.version, source=source)

    def content(self, media: Media) -> bytes:
        """The content of a small object of a source. Raises like `fetch`."""
        store, key = self._locations.of_source(media.uri, media.source)
        with _as_item_errors(media.uri):
            return store.read(key, if_match=media.etag, version=media.version)

    def _fetch(self, media: Media, folder: Path) -> Path:
        is_source = is_absolute(media.uri)
        if is_source:
            store, key = self._locations.of_source(media.uri, media.source)
        else:  # an output of a stage, whose content must have the committed digest
            store, key = self._locations.store, media.uri
        etag = media.etag
        if not etag:
            found = store.stat(key)
            if found.size != media.size and is_source:
                raise PreconditionFailed("the size differs", where=media.uri)
            if found.size != media.size:
                raise changed(address(store, key), f"{media.size} bytes", f"{found.size} bytes")
            etag = found.etag
        path = store.fetch(key, folder, if_match=etag, version=media.version)
        if media.digest and (digest := file_digest(path)) != media.digest:
            raise changed(address(store, key), media.digest, digest)
        if not store.remote:
            self._lent.append(_LentFile(media.uri, store, key, etag))
        return path


@dataclass(frozen=True, slots=True)
class _LentFile:
    """A file of a folder, which other programs can write to while a stage reads it."""

    uri: str
    store: Store
    key: str
    etag: str


def _identity(media: Media) -> tuple[str, str, str, str]:
    return media.uri, media.etag, media.version, media.digest


@contextmanager
def _as_item_errors(uri: str, since: str = "since it was listed") -> Iterator[None]:
    """Convert errors of the store to ItemError. RangesUnsupported is passed through: the whole object may be read."""
    try:
        yield
    except RangesUnsupported:
        raise
    except NotFound as error:
        raise ItemError(ItemReason.MISSING, f"{uri} does not exist") from error
    except StoreDamaged as error:
        raise ItemError(ItemReason.CHANGED, str(error)) from error
    except PreconditionFailed as error:
        raise ItemError(ItemReason.CHANGED, f"{uri} has changed {since}") from error
    except ServerRefused as error:
        raise ItemError(error.reason, str(error)) from error
    except TransientError as error:
        if is_disk_full(error):
            raise
        raise ItemError(ItemReason.S3_5XX, f"{uri}: {error}") from error
    except StoreError as error:
        raise ItemError(ItemReason.UNREADABLE, f"{uri}: {error}") from error

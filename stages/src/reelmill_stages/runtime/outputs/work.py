"""What a worker lends to `process`: a folder, the media of its items, files that parameters name."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from reelmill.contract.errors import ItemError, NotFound, PreconditionFailed, SpecError, StoreError, TransientError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.record import Media
from reelmill_stages.host.disk import is_disk_full
from reelmill_stages.runtime.outputs.upload import file_digest
from reelmill_stages.store import Store
from reelmill_stages.store.locations import Locations, is_absolute


class Files:
    """Files that parameters name, fetched once per worker."""

    def __init__(self, locations: Locations, pins: Mapping[str, str], folder: Path) -> None:
        self._locations = locations
        self._pins = pins
        self._folder = folder
        self._known: dict[tuple[str, str], Path] = {}

    def read(self, uri: str, digest: str = "") -> Path:
        """The file, checked against its digest or its pin. Raises SpecError when it is gone or another one."""
        digest = digest or self._pins.get(uri, "")
        if (uri, digest) not in self._known:
            folder = self._folder / hashlib.sha256(uri.encode()).hexdigest()[:16]
            folder.mkdir(parents=True, exist_ok=True)
            store, key = self._locations.of_file(uri)
            try:
                path = store.fetch(key, folder)
            except NotFound as error:
                raise SpecError("no such file", where=uri, hint="it was there when the stage began") from error
            if digest and file_digest(path) != digest:
                raise SpecError("the file is another one than was pinned", where=uri, hint="restore the file")
            self._known[uri, digest] = path
        return self._known[uri, digest]


class GroupWork:
    """Implements `stage.Work` for one group. `folder` is empty and this group's alone."""

    def __init__(self, locations: Locations, files: Files, folder: Path, gpu: int | None) -> None:
        self._locations = locations
        self._files = files
        self._gpu = gpu
        self._scratch = folder / "scratch"
        self._fetched = folder / "fetched"
        self._known: dict[tuple[str, str, str, str], Path] = {}
        self._fetches = 0
        self._scratch.mkdir(parents=True)

    @property
    def scratch(self) -> Path:
        return self._scratch

    @property
    def fetched(self) -> Path:
        """Where downloaded media lie."""
        return self._fetched

    @property
    def gpu(self) -> int | None:
        return self._gpu

    def read(self, uri: str, digest: str = "") -> Path:
        return self._files.read(uri, digest)

    def fetch(self, media: Media) -> Path:
        """The media's bytes as a local file, to be read only.

        Raises ItemError: `missing`, `changed`, `s3_5xx` (the server failed each time) or `unreadable` (it refused).
        """
        identity = (media.uri, media.etag, media.version, media.digest)
        if identity not in self._known:
            self._fetches += 1
            folder = self._fetched / str(self._fetches)
            folder.mkdir(parents=True)
            with _told(media.uri):
                self._known[identity] = self._fetch(media, folder)
        return self._known[identity]

    def files_in(self, uri: str, source: str) -> Iterator[Media]:
        """The objects of a source directly in a folder, as they are now, in order of their names."""
        folder = uri.rstrip("/") + "/"
        store, key = self._locations.of_source(folder, source)
        root = folder.removesuffix(key)
        with _told(uri):
            for stat in store.list(key):
                if "/" not in stat.key.removeprefix(key):
                    yield Media(f"{root}{stat.key}", stat.size, stat.etag, stat.version, source=source)

    def content(self, media: Media) -> bytes:
        """The bytes of a small object of a source, in memory. Raises what `fetch` raises."""
        store, key = self._locations.of_source(media.uri, media.source)
        with _told(media.uri):
            return store.read(key, if_match=media.etag)

    def _fetch(self, media: Media, folder: Path) -> Path:
        if is_absolute(media.uri):
            store, key = self._locations.of_source(media.uri, media.source)
            if not media.etag and store.stat(key).size != media.size:
                raise PreconditionFailed("the size differs", where=media.uri)
            return store.fetch(key, folder, if_match=media.etag)
        return _fetch_output(self._locations.store, media, folder)


@contextmanager
def _told(uri: str) -> Iterator[None]:
    """What a store's errors mean for an item."""
    try:
        yield
    except NotFound as error:
        raise ItemError(ItemReason.MISSING, f"{uri} does not exist") from error
    except PreconditionFailed as error:
        raise ItemError(ItemReason.CHANGED, f"{uri} is another object than was listed") from error
    except TransientError as error:
        if is_disk_full(error):
            raise
        raise ItemError(ItemReason.S3_5XX, f"{uri}: {error}") from error
    except StoreError as error:
        raise ItemError(ItemReason.UNREADABLE, f"{uri}: {error}") from error


def _fetch_output(store: Store, media: Media, folder: Path) -> Path:
    """An output of a stage. Its digest is in the object's metadata, put there by the write that made it; only where
    a copied bucket lost the metadata are the bytes hashed again.
    """
    found = store.stat(media.uri)
    recorded = found.metadata.get("digest", "")
    if found.size != media.size or (recorded and media.digest and recorded != media.digest):
        raise PreconditionFailed("the output is not the one that was committed", where=media.uri)
    path = store.fetch(media.uri, folder, if_match=found.etag)
    if media.digest and not recorded and file_digest(path) != media.digest:
        raise PreconditionFailed("the output is not the one that was committed", where=media.uri)
    return path

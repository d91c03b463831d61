"""Finds the file of a row in a folder, by exact comparison.

The folder is listed once, at the first lookup. Names are case-sensitive, because ids may differ only in case; they are
compared in Unicode NFC, and a missing or different extension is accepted.
"""

import re
import unicodedata
from collections import defaultdict
from contextlib import suppress
from functools import cached_property
from posixpath import basename

from reelmill.contract.errors import ItemError, NotFound, SpecError, StoreError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.text.quantities import count_of
from reelmill_stages.sources import Bucket
from reelmill_stages.sources.objects.bucket import absolute
from reelmill_stages.sources.objects.committed import FolderContents, objects, segment_folder
from reelmill_stages.sources.tables.cells import path as checked_path
from reelmill_stages.store import Problem, Stat
from reelmill_stages.store.web.urls import is_web

MEDIA = frozenset(
    ("3gp", "avi", "flv", "m2ts", "m4v", "mkv", "mov", "mp4", "mpeg", "mpg", "mts", "mxf", "ogv", "ts", "webm", "wmv")
)
"""Extensions of video files, in lower case."""

_BRACKETS = re.compile(r"\[([^\[\]]+)\]$")

Found = tuple[str, Stat]


class MediaFolder:
    """The media files below a folder.

    All lookups raise ItemError: `missing`, `ambiguous`, `bad_path` or `unreadable`. A row may name a file elsewhere: a
    problem of that place affects only the row. Problems of the folder itself are raised unchanged.
    """

    def __init__(self, bucket: Bucket, uri: str) -> None:
        self._bucket = bucket
        self.uri = absolute(uri).rstrip("/")
        self._segments: dict[str, dict[str, Stat]] = {}

    def at(self, path: str) -> Found:
        """Return the file at a path below the folder, or at an absolute path or URI."""
        path = checked_path(path)
        uri = self._absolute(path)
        is_listed = uri.startswith(f"{self.uri}/") and not is_web(uri)
        stat = self._files.get(uri) if is_listed else self._stat_outside(uri)
        if stat is not None and stat.problem:
            raise ItemError(stat.problem.reason, stat.problem.message)
        if stat is None:
            if is_listed and (problem := self._unusable.get(uri)):
                raise ItemError(problem.reason, f"{uri}: {problem.message}")
            raise ItemError(ItemReason.MISSING, f"no file {uri}")
        return uri, stat

    def expect(self, path: str) -> None:
        """Announce that `at` will be called for a path; an invalid path is ignored."""
        with suppress(ItemError, SpecError):
            self._bucket.expect(self._absolute(checked_path(path)))

    def listed(self, path: str) -> Found:
        """Return the file below the folder for a path in a list that may have been written on another machine.

        The path is tried unchanged, then by its longest trailing part that exists.
        """
        if not path.startswith("/") and "://" not in path:
            return self.at(path)
        if self._absolute(path).startswith(f"{self.uri}/"):
            return self.at(path)
        parts = path.partition("://")[2].split("/") if "://" in path else path.strip("/").split("/")
        tails = (self.below("/".join(parts[first:])) for first in range(len(parts)))
        found = next((tail for tail in tails if tail), None)
        if found is None:
            raise ItemError(ItemReason.MISSING, f"no path below {self.uri} ends with {path}")
        return found

    def near(self, path: str) -> Found:
        """Like `at`, but the path may have another video extension than the file, or none."""
        try:
            return self.at(path)
        except ItemError as error:
            uri = self._absolute(checked_path(path))
            hits = [hit for hit in self._by_stem.get(_nfc(stem(basename(uri))), []) if stem(hit) == stem(uri)]
            if not hits:
                raise
            return self._single(hits, error.what)

    def named(self, name: str) -> Found:
        """Return the file of this name anywhere below the folder, preferably directly in it, with any extension."""
        bare = basename(checked_path(name))
        for hits in (self._by_name.get(_nfc(bare)), self._by_stem.get(_nfc(bare)), self._by_stem.get(_nfc(stem(bare)))):
            if hits:
                direct = [hit for hit in hits if hit == f"{self.uri}/{basename(hit)}"] or hits
                return self._single(_spelled_as(bare, direct), "")
        raise ItemError(
            ItemReason.MISSING, f"no file {self.uri}/{bare if stem(bare) != bare else f'{bare}.mp4 (or .mkv, …)'}"
        )

    def of_video(self, vid: str) -> Found:
        """Return the file named after the id of a video: `{id}.mp4`, or `{title} [{id}].mp4` as yt-dlp writes it."""
        hits = self._by_stem.get(_nfc(vid)) or self._by_bracket.get(vid, [])
        return self._single(_spelled_as(vid, hits), f"no file {self.uri}/{vid}.mp4 (or .mkv, .webm, …)")

    def below(self, tail: str) -> Found | None:
        """Return the file at exactly this path below the folder, or None."""
        uri = f"{self.uri}/{tail}"
        stat = self._files.get(uri)
        return (uri, stat) if stat else None

    def _single(self, hits: list[str], missing: str) -> Found:
        if not hits:
            raise ItemError(ItemReason.MISSING, missing)
        if len(hits) > 1:
            more = f" and {len(hits) - 3} more" if len(hits) > 3 else ""
            raise ItemError(ItemReason.AMBIGUOUS, f"{count_of(len(hits), 'file')} match: {', '.join(hits[:3])}{more}")
        return hits[0], self._files[hits[0]]

    def _stat_outside(self, uri: str) -> Stat | None:
        """Return the attributes of a file outside the folder; in a data set of reelmill, only of a committed one."""
        try:
            return self._stat(uri)
        except SpecError as error:
            raise _bad_path(error) from error
        except StoreError as error:
            way_out = f"; {error.hint}" if error.hint else ""
            raise ItemError(ItemReason.UNREADABLE, f"{uri} cannot be read: {error}{way_out}") from error

    def _stat(self, uri: str) -> Stat | None:
        segment = segment_folder(uri)
        if segment is None:
            return self._bucket.stat(uri)
        if segment not in self._segments:
            try:
                self._segments[segment] = dict(objects(self._bucket, segment))
            except NotFound:
                self._segments[segment] = {}
        return self._segments[segment].get(uri)

    def _absolute(self, path: str) -> str:
        try:
            return absolute(path) if path.startswith("/") or "://" in path else f"{self.uri}/{path}"
        except SpecError as error:
            raise _bad_path(error) from error

    @cached_property
    def _contents(self) -> FolderContents:
        return FolderContents(self._bucket, self.uri)

    @cached_property
    def _files(self) -> dict[str, Stat]:
        return dict(self._contents.objects(is_media))

    @cached_property
    def _unusable(self) -> dict[str, Problem]:
        return dict(self._contents.problems())

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        found = defaultdict(list)
        for uri in self._files:
            found[_nfc(basename(uri))].append(uri)
        return found

    @cached_property
    def _by_stem(self) -> dict[str, list[str]]:
        found = defaultdict(list)
        for uri in self._files:
            if is_media(uri):
                found[_nfc(stem(basename(uri)))].append(uri)
        return found

    @cached_property
    def _by_bracket(self) -> dict[str, list[str]]:
        found = defaultdict(list)
        for name, uris in self._by_stem.items():
            if bracket := _BRACKETS.search(name):
                found[bracket[1]].extend(uris)
        return found


def is_media(path: str) -> bool:
    """Return whether a path has a video extension."""
    return path.rpartition(".")[2].lower() in MEDIA


def stem(path: str) -> str:
    """Return a path without its video extension; other dots are part of the name."""
    return path.rpartition(".")[0] if is_media(path) else path


def _bad_path(error: SpecError) -> ItemError:
    return ItemError(ItemReason.BAD_PATH, f"{error.where}: {error.what}" + (f"; {error.hint}" if error.hint else ""))


def _spelled_as(name: str, uris: list[str]) -> list[str]:
    """Return the files with exactly this stem, otherwise all: the others differ in Unicode normalization."""
    return [uri for uri in uris if stem(basename(uri)) in (name, stem(name))] or uris


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)

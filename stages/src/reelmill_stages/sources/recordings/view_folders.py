"""Finds videos and keypoints in the folders of a multi-view data set, by person, environment and view.

There is one keypoint file per frame, millions in total, so they are counted and digested while they are listed.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Media
from reelmill_stages.media.keypoints import folder_digest
from reelmill_stages.sources import Bucket
from reelmill_stages.sources.files import media_of
from reelmill_stages.sources.objects.bucket import absolute
from reelmill_stages.sources.objects.committed import objects
from reelmill_stages.sources.objects.folder import is_media, stem
from reelmill_stages.sources.recordings.people import Recording, take_of_folders
from reelmill_stages.store import Stat


@dataclass(frozen=True, slots=True)
class Filmed:
    """The videos of one recording: the names of its folders, and the files of each view."""

    person: str
    env: str
    views: dict[str, list[Media]]

    def bundle(self, wanted: Iterable[str]) -> dict[str, Media]:
        """Return one video for each view. Raises ItemError with the reason `missing` or `ambiguous`."""
        bundle = {}
        for view in wanted:
            files = self.views.get(view, [])
            if not files:
                raise ItemError(ItemReason.MISSING, f"{self.person}/{self.env} has no video {view}.mp4 (or .mkv, …)")
            if len(files) > 1:
                raise ItemError(
                    ItemReason.AMBIGUOUS, f"several files are the view {view}: {', '.join(f.uri for f in files)}"
                )
            bundle[view] = files[0]
        return bundle


def filmed(bucket: Bucket, uri: str, source: str) -> dict[Recording, list[Filmed]]:
    """Find the videos at `{person}/{env}/{view}.{ext}` below a folder; several folders may belong to one recording."""
    found: dict[tuple[str, str], dict[str, list[Media]]] = defaultdict(lambda: defaultdict(list))
    for path, parts, stat in _below(bucket, uri):
        if len(parts) == 3 and is_media(path):
            view = unicodedata.normalize("NFC", stem(parts[2]))
            found[parts[0], parts[1]][view].append(media_of(path, stat, source))
    takes: dict[Recording, list[Filmed]] = defaultdict(list)
    for (person, env), views in found.items():
        takes[take_of_folders(person, env)].append(Filmed(person, env, dict(views)))
    return takes


def keypoint_folders(bucket: Bucket, uri: str, source: str) -> dict[Recording, dict[str, dict[str, Any] | ItemError]]:
    """Return recording -> view -> folder of its keypoints, number of files, and their digest; or a reading error."""
    folder = absolute(uri).rstrip("/") + "/"
    takes: dict[Recording, dict[str, dict[str, Any] | ItemError]] = defaultdict(dict)
    for place, files in groupby(bucket.stream(uri), key=lambda each: each[0].rpartition("/")[0]):
        parts = place.removeprefix(folder).split("/")
        bad: list[ItemError] = []
        count, digest = folder_digest(media_of(path, stat, source) for path, stat in _usable(files, bad))
        if len(parts) == 3 and (count or bad):
            take = take_of_folders(parts[0], parts[1])
            folder_of_view = {"uri": place, "source": source, "files": count, "digest": digest}
            takes[take][parts[2]] = bad[0] if bad else folder_of_view
    return takes


def _usable(files: Iterable[tuple[str, Stat]], bad: list[ItemError]) -> Iterator[tuple[str, Stat]]:
    """Yield the files that can be read; the errors of the others are added to `bad`."""
    for path, stat in files:
        if stat.problem:
            bad.append(ItemError(stat.problem.reason, f"{path}: {stat.problem.message}"))
        else:
            yield path, stat


def _below(bucket: Bucket, uri: str) -> Iterator[tuple[str, list[str], Any]]:
    folder = absolute(uri).rstrip("/") + "/"
    for path, stat in objects(bucket, uri):
        yield path, path.removeprefix(folder).split("/"), stat

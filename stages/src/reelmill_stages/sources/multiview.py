"""`multiview`: lists recordings, one item per person and environment with its views, range, labels and keypoints.

Every person and environment that occurs in a video, range, label file or index becomes an item, or a failed row that
reports what is missing or invalid.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from reelmill.contract.errors import ItemError, SpecError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.spec.sources.multiview import NEWEST, MultiviewBlock
from reelmill.contract.text.quantities import count_of
from reelmill_stages.file_names import safe_stem
from reelmill_stages.sources import Bucket, Listed
from reelmill_stages.sources.earlier_items import NOTHING, EarlierItems
from reelmill_stages.sources.listing.drafts import RowDraft, refused, row_digest
from reelmill_stages.sources.listing.settle import settled
from reelmill_stages.sources.objects.bucket import absolute
from reelmill_stages.sources.objects.committed import FolderContents, objects
from reelmill_stages.sources.objects.folder import is_media
from reelmill_stages.sources.objects.unusable import unusable
from reelmill_stages.sources.recordings.people import Recording, take_of_file
from reelmill_stages.sources.recordings.split_index import indexed
from reelmill_stages.sources.recordings.timeline_labels import chosen_actions, frame_range
from reelmill_stages.sources.recordings.view_folders import Filmed, filmed, keypoint_folders
from reelmill_stages.sources.tables.column_lookup import as_row
from reelmill_stages.sources.tables.json_stream import values
from reelmill_stages.untrusted.nested import load_json


def list_items(block: MultiviewBlock, bucket: Bucket, source: str, before: EarlierItems = NOTHING) -> Iterator[Listed]:
    """One item per recording of a person in an environment."""
    return settled(_Takes(block, bucket, source).drafts(), before)


class _Takes:
    """The files and annotations of one source, by recording."""

    def __init__(self, block: MultiviewBlock, bucket: Bucket, source: str) -> None:
        self._block = block
        self._bucket = bucket
        self._refused: list[RowDraft] = []
        self._films = filmed(bucket, block.videos, source)
        self._ranges = self._read_ranges(block.annotations) if block.annotations else {}
        self._labels = self._find_labels(block.labels) if block.labels else {}
        self._points = keypoint_folders(bucket, block.keypoints, source) if block.keypoints else {}
        if block.keypoints and not self._points:
            raise SpecError(
                "the folder has no keypoints",
                where=absolute(block.keypoints),
                hint="keypoints are expected at {person}/{environment}/{view}/000000_sam3d_body.npz below it",
            )

    def drafts(self) -> Iterator[RowDraft]:
        """Yield one draft for each recording that occurs anywhere; with an index, one for each of its lines."""
        if self._block.index:
            uri = absolute(self._block.index)
            for row in indexed(self._bucket.read(uri), uri, self._block.fold):
                if isinstance(row.take, ItemError):
                    yield refused(row_digest(row.line), row.take)
                else:
                    yield self._draft(row.take, {"split": row.split})
            return
        yield from self._refused
        videos = absolute(self._block.videos).rstrip("/") + "/"
        yield from unusable(FolderContents(self._bucket, self._block.videos), videos, is_media)
        known = {**self._films, **self._ranges, **self._labels}
        for take in sorted(known, key=lambda take: (take.person, take.env)):
            yield self._draft(take, {})

    def _draft(self, take: Recording, fields: dict[str, Any]) -> RowDraft:
        films = self._films.get(take, [])
        person, env = (films[0].person, films[0].env) if films else (take.person, take.folder)
        draft = RowDraft(f"{person}/{env}", "", f"{person}/{env}", stem=safe_stem(f"{person}_{env}"))
        try:
            views = self._single(films, take).bundle(self._block.views)
            draft.fields = {
                "vid": f"{take.person}_{take.env}",
                "person_id": person,
                "env_folder": env,
                "env_key": take.env,
                **fields,
                "views": {view: media.to_json() for view, media in views.items()},
                **self._frame_range(take),
                **self._actions(take),
                **({"keypoints": self._keypoints_of_take(take)} if self._block.keypoints else {}),
            }
            draft.media = next(iter(views.values()))
            draft.weight = float(sum(media.size for media in views.values()))
        except ItemError as error:
            draft.problem = (error.reason, error.what)
        draft.row = row_digest([draft.fields, draft.problem])
        return draft

    def _keypoints_of_take(self, take: Recording) -> dict[str, dict[str, Any]]:
        found = {}
        for view, folder in self._points.get(take, {}).items():
            if isinstance(folder, ItemError):
                raise folder
            found[view] = folder
        return found

    def _single(self, films: list[Filmed], take: Recording) -> Filmed:
        if not films:
            raise ItemError(
                ItemReason.MISSING,
                f"no videos at {absolute(self._block.videos).rstrip('/')}/{take.person}/{take.folder}",
            )
        if len(films) > 1:
            raise ItemError(ItemReason.AMBIGUOUS, f"several folders match {take.person}/{take.folder}")
        return films[0]

    def _frame_range(self, take: Recording) -> dict[str, Any]:
        rows = self._ranges.get(take, [])
        if not rows:
            return {}
        found = [frame_range(row) for row in rows]
        if any(other != found[0] for other in found):
            raise ItemError(ItemReason.BAD_RANGE, f"the range annotation has {len(rows)} ranges for this video")
        return {
            "range": [found[0]["start"], found[0]["end"]],
            **({"mid": found[0]["mid"]} if "mid" in found[0] else {}),
        }

    def _actions(self, take: Recording) -> dict[str, Any]:
        if not self._block.labels:
            return {}
        files = self._labels.get(take, [])
        if len(files) != 1:
            what = (
                f"{count_of(len(files), 'label file')}"
                if files
                else f"no label file person_{take.person}_{take.env}_….json"
            )
            raise ItemError(ItemReason.AMBIGUOUS if files else ItemReason.MISSING, f"{what} for this video")
        try:
            content = load_json(self._bucket.read(files[0]))
        except (ValueError, SpecError) as error:
            raise ItemError(ItemReason.BAD_LABELS, f"{files[0]}: {error}") from error
        wanted = self._block.annotator
        chosen = chosen_actions(content, None if wanted == NEWEST else wanted)
        return {
            "labels": [list(action) for action in chosen.actions],
            "labelled": {"by": chosen.by, "at": chosen.at, "file": files[0].rpartition("/")[2]},
        }

    def _read_ranges(self, annotations: str) -> dict[Recording, list[Mapping[str, Any]]]:
        uri = absolute(annotations)
        takes: dict[Recording, list[Mapping[str, Any]]] = {}
        for value in values(self._bucket.read(uri), uri):
            try:
                row = as_row(value)
                takes.setdefault(take_of_file(row.get("video")), []).append(row)
            except ItemError as error:
                self._refused.append(refused(row_digest(value), error))
        return takes

    def _find_labels(self, labels: str) -> dict[Recording, list[str]]:
        takes: dict[Recording, list[str]] = {}
        for uri, _ in objects(self._bucket, labels):
            if uri.lower().endswith(".json"):
                try:
                    takes.setdefault(take_of_file(uri), []).append(uri)
                except ItemError as error:
                    self._refused.append(refused(row_digest(uri), error, uri))
        return takes

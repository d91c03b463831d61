"""Chunks of multi-view videos for a training loop, in the format of the original loader.

A map-style dataset for `torch.utils.data.DataLoader` over a chunk index. Only the frames that a sample returns are
decoded, and only the selected views and keypoints are read.
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from reelmill.contract.errors import ItemError, NotFound, SpecError
from reelmill_stages.datasets.chunk_memory import SampleShape, length, log_lines
from reelmill_stages.datasets.files.place import SampleFolder
from reelmill_stages.datasets.files.view_files import ViewFiles
from reelmill_stages.media.keypoints import JOINTS, file_name, nothing, read_joints
from reelmill_stages.models.extra import HINT
from reelmill_stages.stages.chunk.entries import NAME, parse_index

if TYPE_CHECKING:
    from torch import Tensor

log = logging.getLogger(__name__)

Segment = tuple[int, int, str]
NO_JOINTS = 17
"""Number of joints of the zeros returned for a chunk without keypoints, as in the original loader."""


class ChunkSamples:
    """The chunks of an index, optionally of one `split`. A sample is a dict, for a chunk with B labelled segments:

    - `video`: view -> float32 (B, 3, T, height, width), RGB in [0, 1] before normalization; T = `frames` frames, evenly
      spaced from the first to the last frame of each segment, each rounded to the nearest frame. Empty with
      `load_rgb=False`.
    - `sam3d_kpt`: view -> float32 (B, L, 52, 3) with L frames of the longest segment; zeros after the end of shorter
      segments and for frames without keypoints. (B, 1, 17, 3) zeros if the chunk has no keypoints. Empty with
      `load_kpt=False`.
    - `label`: int64 (B,), ids of the labels, and `label_info`: their names. A chunk without labels is one segment with
      the label -1.
    - `meta`: person, environment, frame rate, and the frame numbers of the chunk in the video.

    Parameters:

    - `where`: an exported folder, or the folder of a stage in a store (`s3://bucket/prefix/chunks`, which selects its
      latest data set). `endpoint` and `region` are those of its S3 server, `source_endpoint` that of the videos.
    - `views`: the views to load; empty: all views of the chunk.
    - `frames`: frames per segment; None: all frames of the segments, which must then have equal lengths.
    - `size`: (height, width) in pixels, to which frames are resized as by `torchvision.transforms.Resize`, bilinear
      with antialiasing. None: the size of the video.
    - `scale`: False returns `video` as uint8, as decoded, without `mean` and `std`.
    - `mean`, `std`: per channel, applied to values in [0, 1].
    - `transform`: applied to each segment, (T, 3, height, width), after normalization; it must return the same shape
      for all segments.
    - `experiment`: copied into `meta`.
    - `verify`: compare the files of chunks with their digests when a process first uses them; videos of the source are
      recognised by their etag.

    Raises SpecError without torch, NotFound if there is no index, and StoreDamaged if it differs from the commit.

    The numbers of videos, chunks and frames, and the memory of the largest sample, are logged once (level INFO); the
    memory of each sample that is read, at level DEBUG.
    """

    def __init__(
        self,
        where: str,
        split: str | None = None,
        *,
        views: Sequence[str] = (),
        load_rgb: bool = True,
        load_kpt: bool = True,
        frames: int | None = 8,
        size: tuple[int, int] | None = (224, 224),
        scale: bool = True,
        mean: Sequence[float] = (0.0, 0.0, 0.0),
        std: Sequence[float] = (1.0, 1.0, 1.0),
        transform: "Callable[[Tensor], Tensor] | None" = None,
        experiment: str = "",
        endpoint: str = "",
        region: str = "",
        source_endpoint: str | None = None,
        verify: bool = False,
    ) -> None:
        if find_spec("torch") is None:
            raise SpecError("torch is not installed", hint=HINT)
        place = SampleFolder(where, endpoint=endpoint, region=region, verify=verify).current(NAME)
        source = SampleFolder("/", endpoint=endpoint if source_endpoint is None else source_endpoint, region=region)
        index = _parsed(place.view(NAME), place.at(NAME))
        entries = [each for each in index["entries"] if split is None or each["original_item"].get("split") == split]
        # Stored as text: reference counts of many small objects would make forked workers copy their pages.
        self._entries = [json.dumps(entry).encode() for entry in entries]
        self._classes = {name: number for number, name in enumerate(index["params"]["classes"])}
        self._chunked = index["params"]["maxFrames"] is not None
        self._views = tuple(views)
        self._rgb, self._kpt = load_rgb, load_kpt
        self._frames, self._size, self._scale = frames, size, scale
        self._mean, self._std, self._transform = tuple(mean), tuple(std), transform
        self._experiment = experiment
        self._files = ViewFiles(place, source)
        self._source = source
        self._shape = SampleShape(self._frames, self._size, self._views, 4 if scale else 1, load_rgb, load_kpt)
        for line in log_lines(split, entries, index["params"]["maxFrames"], self._shape):
            log.info(line)

    def __len__(self) -> int:
        return len(self._entries)

    def entry(self, index: int) -> dict[str, Any]:
        """Return the entry of a chunk in the index."""
        found: dict[str, Any] = json.loads(self._entries[index])
        return found

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Read a sample. Raises SpecError for a missing view, segments of unequal shape, and files that changed."""
        import torch

        entry = self.entry(index)
        segments: list[Segment] = [tuple(each) for each in entry["labels"] or [[0, length(entry), ""]]]
        views = self._views or tuple(entry["views"])
        if lacking := [view for view in views if view not in entry["views"]]:
            raise SpecError(
                f"no view named {lacking[0]!r}", where=entry["key"], hint=f"choose one of {', '.join(entry['views'])}"
            )
        if log.isEnabledFor(logging.DEBUG) and (size := self._shape.bytes([entry])) is not None:
            log.debug("sample %d: %d frames, %.1f MB", index, length(entry), size / 1e6)
        return {
            "video": {view: self._video(entry, view, segments) for view in views} if self._rgb else {},
            "sam3d_kpt": {view: self._points(entry, view, segments) for view in views} if self._kpt else {},
            "label": torch.tensor([self._classes.get(label, -1) for _, _, label in segments], dtype=torch.int64),
            "label_info": [label for _, _, label in segments],
            "meta": self._meta(entry, index),
        }

    def _video(self, entry: Mapping[str, Any], view: str, segments: Sequence[Segment]) -> "Tensor":
        """Decode directly into the returned tensor, without another copy of the chunk."""
        import torch

        picked = [_evenly_spaced(start, end, self._frames) for start, end, _ in segments]
        if len(set(map(len, picked))) != 1:
            raise SpecError(
                "segments of different lengths cannot be stacked", where=entry["key"], hint="set the number of frames"
            )
        places: dict[int, list[tuple[int, int]]] = {}
        for segment, indices in enumerate(picked):
            for place, frame in enumerate(indices):
                places.setdefault(frame, []).append((segment, place))
        told = entry["views"][view]
        height, width = self._size or self._files.size(told)
        kind = torch.float32 if self._scale else torch.uint8
        video = torch.empty((len(segments), 3, len(picked[0]), height, width), dtype=kind)
        mean, std = (torch.tensor(values).view(3, 1, 1) for values in (self._mean, self._std))
        for frame, pixels in self._files.pictures(told, sorted(places), self._size):
            picture = torch.from_numpy(pixels.copy()).permute(2, 0, 1)
            if self._scale:
                picture = _resized(picture.float().div_(255), height, width).sub_(mean).div_(std)
            else:
                picture = _resized(picture, height, width)
            for segment, place in places[frame]:
                video[segment, :, place] = picture
        if self._transform is None:
            return video
        changed = [self._transform(segment.transpose(0, 1)).transpose(0, 1) for segment in video]
        return torch.stack(changed)

    def _points(self, entry: Mapping[str, Any], view: str, segments: Sequence[Segment]) -> "Tensor":
        import torch

        told = entry.get("keypoints", {})
        if not told:
            return torch.zeros((len(segments), 1, NO_JOINTS, 3))
        points = torch.zeros((len(segments), max(end - start for start, end, _ in segments), JOINTS, 3))
        if view not in told:
            return points
        if "file" in told[view]:
            mapped = self._files.points(told[view])
            for number, (start, end, _) in enumerate(segments):
                points[number, : end - start] = torch.from_numpy(mapped[start:end].copy())
            return points
        first = told[view]["frames"][0]
        known: dict[int, Tensor] = {}
        for number, (start, end, _) in enumerate(segments):
            for place, frame in enumerate(range(first + start, first + end)):
                if frame not in known:
                    known[frame] = torch.from_numpy(self._joints(f"{told[view]['uri']}/{file_name(frame)}"))
                points[number, place] = known[frame]
        return points

    def _joints(self, uri: str) -> Any:
        try:
            return read_joints(self._source.read(uri), uri)
        except NotFound:
            return nothing()
        except ItemError as error:
            raise SpecError(error.what, hint="write this file again, or set load_kpt=False") from error

    def _meta(self, entry: Mapping[str, Any], index: int) -> dict[str, Any]:
        start, end = entry["chunk_start_frame"], entry["chunk_end_frame"]
        offset = entry["start_frame_offset"]
        item = entry["original_item"]
        return {
            "experiment": self._experiment,
            "index": index,
            **{name: item.get(name, "") for name in ("person_id", "env_folder", "env_key")},
            "start_frame": 0,
            "end_frame": end - start,
            "fps": next(iter(entry["views"].values()))["fps"],
            "is_chunked": self._chunked,
            "chunk_info": {
                "chunk_idx": entry["chunk_idx"],
                "total_chunks": entry["total_chunks"],
                "chunk_start_frame": start,
                "chunk_end_frame": end,
                "absolute_start_frame": offset + start,
                "absolute_end_frame": offset + end,
                "annotation_start": offset,
            },
        }


def collate_chunks(batch: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Collate several chunks: segments are concatenated, keypoints padded to the longest; `meta` is a list.

    For `DataLoader(collate_fn=collate_chunks)` with more than one chunk per batch.
    """
    import torch
    from torch.nn.functional import pad

    def joined(name: str) -> dict[str, Any]:
        return {view: [sample[name][view] for sample in batch] for view in batch[0][name]}

    points = {}
    for view, tensors in joined("sam3d_kpt").items():
        shape = [max(tensor.shape[side] for tensor in tensors) for side in (1, 2)]
        fitted = (pad(t, (0, 0, 0, shape[1] - t.shape[2], 0, shape[0] - t.shape[1])) for t in tensors)
        points[view] = torch.cat(list(fitted))
    return {
        "video": {view: torch.cat(tensors) for view, tensors in joined("video").items()},
        "sam3d_kpt": points,
        "label": torch.cat([sample["label"] for sample in batch]),
        "label_info": [label for sample in batch for label in sample["label_info"]],
        "meta": [sample["meta"] for sample in batch],
    }


def _parsed(data: bytes, where: str) -> dict[str, Any]:
    try:
        return parse_index(data, NAME)
    except ValueError as error:
        raise SpecError(str(error), where=where, hint="for details, run reelmill check") from error


def _evenly_spaced(start: int, end: int, frames: int | None) -> list[int]:
    """Return evenly spaced frames of a segment, including its first and last, with the arithmetic of the original.

    Positions are float32 and rounded to the nearest frame, halves to the even one. In contrast, torchvision's and
    pytorchvideo's `UniformTemporalSubsample`, after which the original's function is named, truncates them.
    """
    import torch

    if frames is None:
        return list(range(start, end))
    places = torch.linspace(0, end - start - 1, frames, dtype=torch.float32)
    picked: list[int] = (start + torch.round(places).long()).tolist()
    return picked


def _resized(picture: "Tensor", height: int, width: int) -> "Tensor":
    """Resize a picture (3, H, W), float32 or uint8, like `torchvision.transforms.Resize`: bilinear, antialiased."""
    import torch
    from torch.nn.functional import interpolate

    if tuple(picture.shape[1:]) == (height, width):
        return picture
    made = interpolate(
        picture[None].float(), size=(height, width), mode="bilinear", align_corners=False, antialias=True
    )[0]
    return made if picture.is_floating_point() else made.round_().clamp_(0, 255).to(torch.uint8)

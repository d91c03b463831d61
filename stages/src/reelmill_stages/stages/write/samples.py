"""Converts an item to a sample: collects its files, and checks whether the format can represent them."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Item, Media
from reelmill.contract.spec.stages.write import MediaKind, WriteBlock
from reelmill_stages.media.timeline import item_span
from reelmill_stages.media.timeline.timeline import read_timeline
from reelmill_stages.stage import Work
from reelmill_stages.stages.write.format import FormatFile
from reelmill_stages.tar.payload_copies import link_or_copy
from reelmill_stages.untrusted.arrays import ArrayArchive, ArrayError, read_array
from reelmill_stages.untrusted.images import open_image

VECTOR = "vector"
_REMEDY = "cut it (clip.mode copy)"


def files_of(item: Item, block: WriteBlock, work: Work, scratch: Path, longest: int) -> tuple[FormatFile, ...]:
    """Return the files of a sample, in `scratch`.

    Raises ItemError with reason `no_media`, `no_view`, `virtual_clip`, `bad_span`, `empty`, `too_large` or `no_vector`,
    and as `Work.fetch`, `read_timeline` and `open_image`.
    """
    found, total = [], 0
    for column, media in media_of(item, block).items():
        name = PurePosixPath(media.uri).name
        if column != VECTOR:  # an array is converted
            _refuse_larger(name, media.size, longest - total)
        path = link_or_copy(work.fetch(media), scratch / column)
        if column == VECTOR:
            path = _vector_file(path, scratch / f"{VECTOR}.npy")
        total += _checked_size(name, path, longest - total)
        if media.source or column == block.made_of:  # videos of stages were checked when they were written
            _check_content(path, block.media_columns[column])
        found.append(FormatFile(column, name, path))
    return tuple(found)


def media_of(item: Item, block: WriteBlock) -> dict[str, Media]:
    """Return column -> the file of the item for it. Raises as `files_of`."""
    if block.views:
        return {name: _view_file(item, name) for name in block.views}
    if block.media == "none":
        return {}
    if item.media is None:
        raise ItemError(ItemReason.NO_MEDIA, f"{item.key} has no file")
    found: dict[str, Media] = {}
    if block.made_of:
        found[block.made_of] = _whole_video(replace(item, media=_embedded_file(item)))
    found[block.media] = _whole_video(item) if block.media == "video" else _whole_file(item.media, item.key)
    return found


def _whole_video(item: Item) -> Media:
    """Return the video of an item. Raises ItemError if the item is a part of it."""
    if wrong := item_span.uncut(item, _REMEDY):
        raise wrong
    assert item.media is not None
    return _whole_file(item.media, item.key)


def _embedded_file(item: Item) -> Media:
    """Return the file from which an `embed` stage made the vector of an item."""
    try:
        return Media.from_json(item.provenance["source"])
    except (KeyError, ValueError) as error:
        raise ItemError(
            ItemReason.NO_MEDIA,
            f"{item.key} does not record the file that its vector was made from: madeOf is for embed",
        ) from error


def _view_file(item: Item, name: str) -> Media:
    views = item.fields.get("views")
    view = views.get(name) if isinstance(views, Mapping) else None
    if not isinstance(view, Mapping):
        there = ", ".join(map(str, views)) if isinstance(views, Mapping) else "none"
        raise ItemError(ItemReason.NO_VIEW, f"the item has no view {name}; it has {there}")
    if "file" in view:
        return _chunk_file(item, name, str(view["file"]))
    try:
        media = Media.from_json(view)
    except ValueError as error:
        raise ItemError(ItemReason.NO_VIEW, f"the view {name} is {error}") from error
    return _whole_file(media, f"the view {name}")


def _chunk_file(item: Item, name: str, file: str) -> Media:
    """Return the file of a chunk, which its stage wrote."""
    for output in item.outputs:
        if PurePosixPath(output.key).name == file:
            return Media(output.key, output.size, digest=output.digest)
    raise ItemError(ItemReason.NO_VIEW, f"the file {file} of the view {name} is not among those of the item")


def _whole_file(media: Media, what: str) -> Media:
    if media.span is not None:
        raise ItemError(
            ItemReason.VIRTUAL_CLIP, f"{what} is a span of a longer video and has no file of its own: {_REMEDY}"
        )
    return media


def _check_content(path: Path, kind: MediaKind) -> None:
    if kind == "video":
        read_timeline(path)
    elif kind == "image":
        with open_image(path):
            pass


def _checked_size(name: str, path: Path, longest: int) -> int:
    size = path.stat().st_size
    if not size:
        raise ItemError(ItemReason.EMPTY, f"{name} is empty")
    _refuse_larger(name, size, longest)
    return size


def _refuse_larger(name: str, size: int, longest: int) -> None:
    if size > longest:
        raise ItemError(ItemReason.TOO_LARGE, f"{name} has {size} bytes; the sample can hold {longest} of them")


def _vector_file(path: Path, target: Path) -> Path:
    """Write the array of an `npy` or `npz` file as float32 to an `npy` file."""
    try:
        array = _read_array(path)
    except (OSError, ArrayError, KeyError) as error:
        raise ItemError(ItemReason.NO_VECTOR, f"the array cannot be read: {error}") from error
    with np.errstate(over="ignore"):
        held = array.astype(np.float32) if array.dtype.kind in "fiu" and array.ndim and array.size else None
    if held is None or not np.isfinite(held).all():
        raise ItemError(
            ItemReason.NO_VECTOR, f"{array.dtype} of the shape {array.shape} is not an array of finite 32-bit numbers"
        )
    np.save(target, held)
    return target


def _read_array(path: Path) -> Any:
    with path.open("rb") as file:
        if file.read(2) != b"PK":
            file.seek(0)
            return read_array(file, path.stat().st_size)
    with ArrayArchive(path) as archive:
        if len(archive.names) != 1:
            raise ArrayError(f"the file has {len(archive.names)} arrays, not one")
        return archive.array(archive.names[0])

"""The process that decodes pictures of items: it receives items and returns one frame or problem for each."""

import shutil
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from reelmill.contract.errors import ItemError, ReelmillError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Item
from reelmill.contract.task import Task
from reelmill_stages.media.decoding.decode import decode
from reelmill_stages.media.decoding.jpeg import jpeg
from reelmill_stages.media.decoding.picture import Turned, render, shown_size
from reelmill_stages.media.timeline.item_span import shown_in, span
from reelmill_stages.media.timeline.timeline import Timeline, read_timeline
from reelmill_stages.media_file import WholeFileNeeded
from reelmill_stages.pictures.shot import Shot
from reelmill_stages.runtime.outputs.work import Files, GroupWork
from reelmill_stages.runtime.preview_frames.clip_frames import HEIGHT, WIDTH, image_of
from reelmill_stages.runtime.preview_frames.still import still
from reelmill_stages.runtime.workers.safe_child import serve_parent
from reelmill_stages.store.locations import Locations
from reelmill_stages.untrusted.images import open_image, rgb_image

_QUALITY = 80


def serve(connection: Connection) -> None:
    """Decode one frame of each item of a single order, in a folder that the parent removes."""
    order: tuple[Task, dict[str, str], list[Item], str] = connection.recv()
    task, env, items, folder = order
    locations = Locations(task.store, task.sources, env)
    for number, item in enumerate(items):
        place = Path(folder) / str(number)
        try:
            shot = picture(item, locations, place)
        except ReelmillError as error:
            shot = Shot(problem=str(error))
        finally:
            shutil.rmtree(place, ignore_errors=True)
        connection.send(shot)


def picture(item: Item, locations: Locations, folder: Path) -> Shot:
    """One frame of an item. Of a large video of a source in a bucket, only the needed ranges are read, if they suffice.

    `folder` is an empty folder for its files. Raises ReelmillError if there is no frame.
    """
    try:
        return _with_work(item, locations, folder / "ranges", ranges=True)
    except WholeFileNeeded:
        return _with_work(item, locations, folder / "whole", ranges=False)


def _with_work(item: Item, locations: Locations, folder: Path, *, ranges: bool) -> Shot:
    work = GroupWork(locations, Files(locations, {}, folder / "files"), folder, None, ranges=ranges)
    try:
        return _shot(item, work)
    finally:
        work.close()


def _shot(item: Item, work: GroupWork) -> Shot:
    if image := image_of(item):
        return _image(work.fetch(image))
    if item.media is None:
        return Shot(problem="the item has no file")
    file = work.open(item.media)
    timeline = read_timeline(file)
    frames = shown_in(timeline, span(item)).frames
    turned = Turned(timeline.shape)
    for picture in decode(file, timeline, [_frame_to_show(timeline, frames)]):
        upright = turned.of(picture.frame)
        width, height = _preview_size(*shown_size(picture.frame, upright))
        return Shot(jpeg(render(picture.frame, width=width, height=height, turned=upright), _QUALITY), width, height)
    raise ItemError(ItemReason.DECODE_ERROR, "the decoder returns no frame")


def _frame_to_show(timeline: Timeline, frames: Sequence[int]) -> int:
    if timeline.counted or not timeline.steady:  # all frames before it are decoded anyway
        return frames[len(frames) // 2]
    return frames[still([timeline.numbers[index] for index in frames], timeline.packets.starts)]


def _image(path: Path) -> Shot:
    with open_image(path) as image:
        image.draft("RGB", (2 * WIDTH, 2 * HEIGHT))
        pixels = rgb_image(image)
        pixels.thumbnail((WIDTH, HEIGHT))
    return Shot(jpeg(np.asarray(pixels), _QUALITY), *pixels.size)


def _preview_size(width: int, height: int) -> tuple[int, int]:
    scale = min(WIDTH / width, HEIGHT / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


if __name__ == "__main__":
    serve_parent(serve)

"""Benchmark of an hour-long film in a bucket with 20 ms latency, against local disk: 16 frames, and a 10 s copy clip.

Bytes: those that the server sent, without the first MiB, against those of the required groups of pictures. Time:
without four latencies, against reading a local file.
"""

import tempfile
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median

from bench import films
from bench.bucket import BUCKET, KEY, SECRET, bucket
from bench.row import Row, begin, emit
from reelmill.contract.task import Connection, StoreRef
from reelmill_stages.media.cutting.cut import cut_at
from reelmill_stages.media.cutting.remux import remuxer
from reelmill_stages.media.decoding.decode import decode
from reelmill_stages.media.timeline.timeline import Timeline, read_timeline
from reelmill_stages.media_file import MediaFile
from reelmill_stages.remote_media import by_ranges
from reelmill_stages.store import Store
from reelmill_stages.store.open import open_store
from reelmill_stages.store.ranges.block_cache import BlockCache
from servers.faults import fault_proxy

BENCH = "film of 1 h by ranges"
LATENCY = 0.02
MIB = 1 << 20
SCRATCH = 64 * MIB
Read = Callable[[MediaFile, Timeline, Path], object]


def frames(file: MediaFile, timeline: Timeline, folder: Path) -> int:
    return sum(1 for _ in decode(file, timeline, sixteen(timeline)))


def clip(file: MediaFile, timeline: Timeline, folder: Path, *, audio: bool = True) -> None:
    with remuxer(file, timeline, audio=audio) as source:
        cut = cut_at(timeline, 1800, 1810)
        piece = source.slice_of(cut)
        assert piece is not None
        source.copy(cut, piece, folder / "clip.mp4")


def sixteen(timeline: Timeline) -> list[int]:
    return [number * (len(timeline) - 1) // 15 for number in range(16)]


def ten_seconds(timeline: Timeline) -> list[int]:
    return [*timeline.window(1800, 1810)]


def groups(timeline: Timeline, wanted: list[int]) -> int:
    """Bytes of the groups of pictures that contain the frames."""
    table = timeline.packets
    keys = [number for number, key in enumerate(table.keys) if key] + [len(table.keys)]
    held = {bisect_right(keys, timeline.numbers[index]) for index in wanted}
    return sum(sum(table.sizes[keys[group - 1] : keys[group]]) for group in held)


@contextmanager
def remote(store: Store, folder: Path) -> Iterator[tuple[MediaFile, BlockCache]]:
    stat = store.stat("film.mp4")
    cache = BlockCache(folder)
    file = by_ranges(store, "film.mp4", stat.size, cache, etag=stat.etag)
    assert file is not None
    yield file, cache
    file.close()
    cache.close()


def rows(case: str, read: Read, wanted: Callable[[Timeline], list[int]], rounds: int, film: Path) -> None:
    with (
        bucket() as it,
        fault_proxy(it.port) as proxy,
        tempfile.TemporaryDirectory() as name,
    ):
        it.store.write("film.mp4", film)
        endpoint = Connection(endpoint=f"http://127.0.0.1:{proxy.port}")
        ref = StoreRef(uri=f"s3://{BUCKET}/ours", connection=endpoint)
        store = open_store(ref, env={"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET})
        proxy.latency = LATENCY
        store.stat("film.mp4")
        folder = Path(name)
        needed = groups(timeline := read_timeline(film), wanted(timeline))
        sent, ours, peer, scratch = 0, [], [], 0
        for _ in range(rounds):
            began = time.perf_counter()
            read(film, read_timeline(film), folder)
            peer.append(time.perf_counter() - began)
            proxy.sent = 0
            began = time.perf_counter()
            with remote(store, folder) as (file, cache):
                read(file, read_timeline(file), folder)
                ours.append(time.perf_counter() - began)
                scratch = max(scratch, cache.size)
            sent = max(sent, proxy.sent)
    count = (rounds, rounds)
    told = [max(0, sent - MIB) / MIB, needed / MIB]
    emit(Row(BENCH, f"{case}, bytes", "groups of pictures", *told, "MiB", told[0] / told[1], None, 1.15, True, count))
    spent = [median(ours) - 4 * LATENCY, median(peer)]
    emit(Row(BENCH, f"{case}, time", "from local disk", *spent, "s", spent[0] / spent[1], None, 1.3, True, count))
    held = [scratch / MIB, SCRATCH / MIB]
    emit(Row(BENCH, f"{case}, scratch", "64 MiB", *held, "MiB", held[0] / held[1], None, 1.0, True, count))


def main(rounds: int) -> None:
    film = films.hour()
    rows("16 frames", frames, sixteen, rounds, film)
    rows("copied clip of 10 s", clip, ten_seconds, rounds, film)
    rows("copied clip of 10 s without sound", partial(clip, audio=False), ten_seconds, rounds, film)


if __name__ == "__main__":
    begin(main, BENCH)

"""The peer of the small run: the stages' code called in one process, VIDEO and FOLDER as arguments."""

import sys
from collections.abc import Iterable
from pathlib import Path

from cliprig import Committed
from reelmill.contract.records.rows import Item, Media
from reelmill_stages.registry import stage
from reelmill_stages.stage import Assembled, Done, File, Input, Kept, NewItem, Shard
from worker_desk import Desk


def inputs(made: Iterable[tuple[NewItem, tuple[File, ...]]]) -> list[Input]:
    """Items with their files, for the next stage."""
    found = []
    for number, (new, files) in enumerate(made):
        paths = {file.name: file.path for file in files}
        media = new.media
        if isinstance(media, str):
            media = Media(str(paths[media]), paths[media].stat().st_size)
        found.append(Input(Item(new.key, number, new.group, new.weight, media, fields=new.fields), number))
    return found


def main(video: Path, folder: Path) -> None:
    first = Input(Item("a.mp4", 0, "a.mp4", 4.0, Media(str(video), video.stat().st_size)), 0)
    cut = stage("clip", {"by": "length", "length": "2s", "mode": "copy"}).process([first], Desk(folder / "clips"))
    clips = inputs((new, new.files) for result in cut if isinstance(result, Done) for new in result.items)
    frames = stage("frames", {"count": 16, "width": 256, "height": 160, "layout": "npy"})
    frames.process(clips, Desk(folder / "pictures"))
    pack = stage("pack", {})
    results = pack.process(clips, Desk(folder / "shards"))
    kept = [Kept(given, result) for given, result in zip(clips, results, strict=True) if isinstance(result, Done)]
    packed = pack.assemble(kept, Shard(0, 1, 0, len(clips), 1, folder / "shards"))
    tars = inputs((new, (tar.file,)) for tar in packed if isinstance(tar, Assembled) for new in tar.items)
    index = stage("index", {})
    checked = index.process(tars, Desk(folder / "list"))
    for file in index.present(Committed(checked, folder / "list"), {}):
        file.path.rename(folder / file.name)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

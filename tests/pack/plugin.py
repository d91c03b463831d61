"""A sampler of somebody's own, as the document shows one: it returns names and entries."""

from reelmill.contract.spec.stages.pack import PackBlock
from reelmill_stages.pack.sample import Clip, Sample
from reelmill_stages.stage import File


class Halves:
    """Cuts the file's bytes in two."""

    def __init__(self, block: PackBlock) -> None:
        self.block = block

    def sample(self, clip: Clip) -> Sample:
        data = clip.path.read_bytes()
        parts = []
        for place, half in enumerate((data[: len(data) // 2], data[len(data) // 2 :])):
            (clip.scratch / str(place)).write_bytes(half)
            parts.append(File(f"{place}.bin", clip.scratch / str(place)))
        return Sample({"caption": clip.text}, tuple(parts))


class Wrong(Halves):
    """Does what its caption says, all of it wrong."""

    def sample(self, clip: Clip) -> Sample:
        good = super().sample(clip)
        (scratch,) = {part.path.parent for part in good.parts}
        wrong = {
            "name": Sample({}, (File("A B.bin", scratch / "0"),)),
            "json": Sample({}, (File("json", scratch / "0"),)),
            "twice": Sample({}, (File("a", scratch / "0"), File("a", scratch / "1"))),
            "outside": Sample({}, (File("mp4", clip.path),)),
            "missing": Sample({}, (File("mp4", scratch / "2"),)),
            "fields": Sample({"caption": clip}, good.parts),
        }
        return wrong[clip.text]


class NoSampler:
    """Lacks the one method."""

    def __init__(self, block: PackBlock) -> None:
        self.block = block

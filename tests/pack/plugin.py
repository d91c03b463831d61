"""A sampler of somebody's own, as the document shows one: it returns names and entries."""

from reelmill.contract.spec.stages.pack import PackBlock
from reelmill_stages.stage import File
from reelmill_stages.stages.pack.sample import PackInput, UnkeyedSample

__reelmill__ = ["Halves", "Wrong", "NoSampler", "Missing"]


class Halves:
    """Cuts the file's bytes in two."""

    def __init__(self, block: PackBlock) -> None:
        self.block = block

    def sample(self, clip: PackInput) -> UnkeyedSample:
        data = clip.path.read_bytes()
        parts = []
        for place, half in enumerate((data[: len(data) // 2], data[len(data) // 2 :])):
            (clip.scratch / str(place)).write_bytes(half)
            parts.append(File(f"{place}.bin", clip.scratch / str(place)))
        return UnkeyedSample({"caption": clip.text}, tuple(parts))


class Wrong(Halves):
    """Does what its caption says, all of it wrong."""

    def sample(self, clip: PackInput) -> UnkeyedSample:
        good = super().sample(clip)
        (scratch,) = {part.path.parent for part in good.parts}
        wrong = {
            "name": UnkeyedSample({}, (File("A B.bin", scratch / "0"),)),
            "json": UnkeyedSample({}, (File("json", scratch / "0"),)),
            "twice": UnkeyedSample({}, (File("a", scratch / "0"), File("a", scratch / "1"))),
            "outside": UnkeyedSample({}, (File("mp4", clip.path),)),
            "missing": UnkeyedSample({}, (File("mp4", scratch / "2"),)),
            "fields": UnkeyedSample({"caption": clip}, good.parts),
        }
        return wrong[clip.text]


class NoSampler:
    """Lacks the one method."""

    def __init__(self, block: PackBlock) -> None:
        self.block = block

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


class Dotted(Halves):
    """Names a part so that nobody could read it back."""

    def sample(self, clip: Clip) -> Sample:
        return Sample({}, (File("A B.bin", clip.path),))


class NoSampler:
    """Lacks the one method."""

    def __init__(self, block: PackBlock) -> None:
        self.block = block

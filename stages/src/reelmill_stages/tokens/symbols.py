"""The five symbols around text: where a pack begins, where an answer ends, and what stands for an image."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SymbolIds:
    """Their ids. An image is `start`, so many `patch` as the model wants, and `end`."""

    patch: int = 32000
    start: int = 32001
    end: int = 32002
    bos: int = 1
    eos: int = 2

    @property
    def of_images(self) -> frozenset[int]:
        return frozenset({self.patch, self.start, self.end})

    def to_json(self) -> dict[str, int]:
        return {"patch": self.patch, "start": self.start, "end": self.end, "bos": self.bos, "eos": self.eos}

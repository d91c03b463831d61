"""Ids of special symbols: beginning of a pack, end of an answer, and images."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SymbolIds:
    """Ids of special symbols. An image consists of `start`, a fixed number of `patch`, and `end`."""

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

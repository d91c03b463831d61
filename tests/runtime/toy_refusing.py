"""A toy stage whose `assemble` finds out what `process` could not see. Importable in worker processes."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from toy_stages import Join

from reelmill_stages.stage import Assembled, File, Kept, NewItem, Refused, Shard

__reelmill__ = ["Picky"]


class Picky(Join):
    """One file per input, but none for what is sour; reads a file that a parameter names."""

    def assemble(self, kept: Iterable[Kept], shard: Shard) -> Iterator[Assembled | Refused]:
        salt = shard.read(self.block.called).read_text()
        for one in kept:
            number, text = one.input.number, one.done.payload[0].path.read_text()
            if "sour" in text:
                yield Refused(number, "sour", f"{one.input.item.key} is sour")
                continue
            path = Path(shard.scratch) / f"{number}.txt"
            path.write_text(text + salt)
            item = NewItem(one.input.item.key, one.input.item.group, 1.0, path.name)
            yield Assembled(File(path.name, path), (item,), through=number, counters={"salted": 1})

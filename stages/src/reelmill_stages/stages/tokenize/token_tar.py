"""A tar of packs that is being written, with its index and its file of losses."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from reelmill.contract.counters import StageCounter
from reelmill.contract.spec.stages.tokenize import TokenizeBlock
from reelmill_stages.stage import Assembled, File, NewItem, Shard
from reelmill_stages.stages.tokenize.pack_json import PackJson
from reelmill_stages.stages.tokenize.packing import PackedDocuments, best_fit, greedy, length
from reelmill_stages.stages.tokenize.payload import Entry, Payload
from reelmill_stages.tar.write import TarWriter

PACKERS = {"greedy": greedy, "best-fit": best_fit}


class TokenTar:
    """Packs the samples of several tars into `shard_{shard}-{first}-{end}.tar`.

    First and end (exclusive) are input numbers of tars, so names are unique in a data set.
    """

    def __init__(self, block: TokenizeBlock, shard: Shard, first: int, end: int, writer: PackJson) -> None:
        self._block = block
        self._shard = shard
        self._first = first
        self._json = writer
        self.name = f"shard_{shard.index}-{first}-{end}"
        self._tars: list[Payload] = []

    def add(self, payload: Payload) -> None:
        """Add the next tokenized tar."""
        self._tars.append(payload)

    def finish(self, facts: dict[str, Any]) -> Assembled:
        """Write the tar. `facts` are the common fields of all items."""
        entries = [(tar, entry) for tar in self._tars for entry in tar.entries()]
        lengths = [entry.tokens for _, entry in entries]
        packs = PACKERS[self._block.packing](lengths, self._block.max_tokens)
        path = self._shard.scratch / f"{self.name}.tar"
        with TarWriter(path) as tar:
            for number, pack in enumerate(packs):
                tar.begin()
                self._write_pack(tar, self._pack_key(number, pack, entries), [entries[one] for one in pack.documents])
        index = path.with_suffix(".tar.idx")
        index.write_bytes(tar.index())
        tokens = sum(length(pack.documents, lengths) for pack in packs)
        losses = [{"tar": one.number, **loss} for one in self._tars for loss in one.losses]
        fields = {
            **facts,
            "samples": len(packs),
            "documents": sum(len(pack.documents) for pack in packs),
            "tokens": tokens,
            "fill": round(tokens / (len(packs) * (self._block.max_tokens - 1)), 4) if packs else 0.0,
            "samples_in": sum(one.samples for one in self._tars),
            "left_out": dict(sorted(Counter(loss["reason"] for loss in losses).items())),
            "kinds": ["image"],
        }
        files = [File(f"{self.name}.tar.idx", index)]
        if losses:
            losses_path = path.with_suffix(".losses.jsonl")
            losses_path.write_text("".join(f"{json.dumps(loss)}\n" for loss in losses), encoding="utf-8")
            files.append(File(losses_path.name, losses_path))
        name = f"{self.name}.tar"
        item = NewItem(self.name, self.name, float(path.stat().st_size), media=name, files=tuple(files), fields=fields)
        counters: dict[str, int] = {StageCounter.PACKS: len(packs), StageCounter.PACKED_TOKENS: tokens}
        return Assembled(File(name, path), (item,), through=self._tars[-1].number, counters=counters)

    def _write_pack(self, tar: TarWriter, key: str, documents: Sequence[tuple[Payload, Entry]]) -> None:
        parts = [
            (entry.ids[1:], entry.mask[1:]) if place else (entry.ids, entry.mask)
            for place, (_, entry) in enumerate(documents)
        ]
        images = [(payload, span) for payload, entry in documents for span in entry.images]
        texts = [entry.text or "" for _, entry in documents]
        tar.add(f"{key}.json", self._json.dumps(parts, texts, len(images)))
        for number, (payload, span) in enumerate(images):
            tar.add(f"{key}.{number}.jpg", payload.read(span))

    def _pack_key(self, number: int, pack: PackedDocuments, entries: Sequence[tuple[Payload, Entry]]) -> str:
        """Return the key of a pack.

        `unique`: numbers of the first tar and of the pack. `compat`: `{tar}-{sample}` of the sample that closed it,
        with tars counted from 0 in each file; for the last pack, the number of samples.
        """
        if self._block.keys == "unique":
            return f"{self._first:06d}-{number:06d}"
        if pack.closed_by == len(entries):
            last = self._tars[-1]
            return f"{last.number - self._first}-{last.samples}"
        payload, entry = entries[pack.closed_by]
        return f"{payload.number - self._first}-{entry.place}"

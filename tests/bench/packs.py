"""Benchmark of tokenizing and packing to 8000 tokens, against `encode_batch_fast` of the same texts, in one thread.

The stage reads the tar, parses jsons, makes masks, packs, and writes the tar of packs; the peer only encodes. Byte
pairs are trained on the source of Python's standard library.
"""

import json
import sysconfig
import tempfile
from functools import partial
from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from bench.row import Row, begin, emit
from bench.timing import in_turns, one_core
from reelmill.contract.records.rows import Item, Media
from reelmill.contract.spec.file import FileRef
from reelmill.contract.spec.stages.tokenize import TokenizeBlock
from reelmill_stages.stage import Done, Input, Kept, Shard
from reelmill_stages.stages.tokenize.stage import TokenizeStage
from reelmill_stages.tar.write import TarWriter
from worker_desk import Desk

SYMBOLS = ["<unk>", "<s>", "</s>", "<im_patch>", "<im_start>", "<im_end>"]
CASES = {"answers of 300 words": 300, "captions of 20 words": 20}
WORDS = 120_000
VOCABULARY = 32_000


def words() -> list[str]:
    """Source text, in words; the library's largest modules first."""
    files = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"), key=lambda path: (-path.stat().st_size, path.name))
    found: list[str] = []
    for path in files:
        found += path.read_text(encoding="utf-8").split()
        if len(found) >= 4 * WORDS:
            break
    return found


def trained(folder: Path, corpus: list[str]) -> Path:
    """A tokenizer.json."""
    made = Tokenizer(models.BPE(unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.ByteLevel()
    made.train_from_iterator(
        (" ".join(corpus[place : place + 1000]) for place in range(0, len(corpus), 1000)),
        trainers.BpeTrainer(vocab_size=VOCABULARY, special_tokens=SYMBOLS, show_progress=False),
    )
    path = folder / "tokenizer.json"
    path.write_text(made.to_str())
    return path


def write(path: Path, texts: list[str]) -> Path:
    """A tar of samples without images."""
    with TarWriter(path) as tar:
        for number, text in enumerate(texts):
            tar.add(f"{number:09d}.json", json.dumps({"prompt": "", "txt": text}).encode())
    return path


class Ours:
    """The stage on one tar; its tokenizer is loaded once, as in a worker."""

    def __init__(self, folder: Path, tokenizer: Path, packing: str) -> None:
        self._folder = folder
        self._stage = TokenizeStage(
            TokenizeBlock.model_validate({"tokenizer": FileRef(uri=str(tokenizer)), "packing": packing})
        )

    def run(self, tar: Path) -> None:
        """Run the stage. Raises TypeError if samples are lost."""
        with tempfile.TemporaryDirectory(dir=self._folder) as name:
            item = Input(Item("x", 0, "x", 1.0, Media(str(tar), tar.stat().st_size)), 0)
            (result,) = self._stage.process([item], Desk(Path(name)))
            if not isinstance(result, Done) or result.message:
                raise TypeError(result)
            shard = Shard(0, 1, 0, 1, 1, Path(name), lambda uri, digest="": Path(uri))
            for _ in self._stage.assemble([Kept(item, result)], shard):
                pass


def main(rounds: int) -> None:
    one_core()
    memory = Path("/dev/shm")
    corpus = words()
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        folder = Path(name)
        tokenizer = trained(folder, corpus)
        bare = Tokenizer.from_file(str(tokenizer))
        for case, length in CASES.items():
            texts = [" ".join(corpus[place : place + length]) for place in range(0, WORDS, length)]
            tar = write(folder / "x.tar", texts)
            for packing in ("greedy", "best-fit"):
                ours = Ours(folder, tokenizer, packing)
                peer = partial(bare.encode_batch_fast, texts, add_special_tokens=False)
                times = in_turns(partial(ours.run, tar), peer, rounds)
                values = (*times.medians, "s", times.ratio, times.cpu_ratio, 0.9)
                against = "encode_batch_fast of the same texts"
                emit(Row("tokenize", f"{case}, {packing}", against, *values, rounds=times.rounds))


if __name__ == "__main__":
    begin(main, "tokenize")

"""Targets for tars of samples: headers, extended headers, sparse maps, samples, and their content."""

from collections import Counter
from contextlib import suppress

from fuzz.targets.scratch import parts, scratch
from reelmill.contract.errors import NotFound, SpecError
from reelmill_stages.datasets.tar_set import INFO, TarSet
from reelmill_stages.stages.index.content_check import Payloads, wrong
from reelmill_stages.stages.tokenize.tar_samples import payload, read_samples
from reelmill_stages.tar.buffered_reads import BufferedReads
from reelmill_stages.tar.inspect import contents
from reelmill_stages.tar.samples import TarProblem, samples
from reelmill_stages.tar.walk import BadTar, read, walk, walk_bytes
from reelmill_stages.tokens.rules import PackRules

_BLOCK = 512


def tar(data: bytes) -> None:
    """Every member, and its bytes."""
    _walked(data)
    _walked(_checksummed(data))


def tar_content(data: bytes) -> None:
    """Samples by the rules of their trainers, with their JSON and their images."""
    path = scratch.file(_checksummed(data), "input.tar")
    payloads = Payloads(path)
    problems: list[TarProblem] = []
    try:
        found = contents(path, lambda sample: problems.extend(wrong(sample, payloads, PackRules())))
        assert found.count == len(found.keys) == len(found.offsets)
    except BadTar:
        pass
    finally:
        payloads.close()


def tar_documents(data: bytes) -> None:
    """Samples as turns of text and images."""
    path = scratch.file(_checksummed(data), "input.tar")
    with suppress(BadTar), BufferedReads(path) as reads:
        for sample in read_samples(reads):
            for member in getattr(sample, "images", ()):
                payload(reads, member)


def tar_reader(data: bytes) -> None:
    """A folder of tars as a training loop reads it, with the index of one and the list of all."""
    content, index, info = parts(data, 3)
    folder = scratch.folder()
    for name, held in {"a.tar": _checksummed(content), "a.tar.idx": index, INFO: info}.items():
        if held:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(held)
    with suppress(SpecError, NotFound):
        found = TarSet(str(folder))
        for number in range(min(len(found), 20)):
            with suppress(SpecError, NotFound):
                assert found[number].key


def _walked(data: bytes) -> None:
    path = scratch.file(data, "input.tar")
    noted: Counter[str] = Counter()
    with suppress(BadTar):
        members = list(walk(path))
        assert members == list(walk_bytes(data))
        list(samples(members, [], noted))
        for member in members:
            # The payload of a sparse member may have holes, so it may be longer than the tar.
            assert len(read(path, member)) == member.size


def _checksummed(data: bytes) -> bytes:
    """Set the correct checksum in every block that could be a header, so that the code behind the check is reached."""
    blocks = bytearray(data)
    for at in range(0, len(blocks) - _BLOCK + 1, _BLOCK):
        if blocks[at + 257 : at + 262] == b"ustar":
            blocks[at + 148 : at + 156] = b" " * 8
            blocks[at + 148 : at + 156] = b"%06o\0 " % sum(blocks[at : at + _BLOCK])
    return bytes(blocks)

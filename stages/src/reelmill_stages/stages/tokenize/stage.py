"""The `tokenize` stage: tokenizes the samples of tars, with a loss mask, and packs them to a fixed length.

Workers tokenize one tar each; the samples of `tarsPerTar` consecutive tars are packed into one tar, so its content does
not depend on the division into shards. A sample that cannot be used is omitted, and its reason is recorded in the
ledger row of the tar, in the counters, and in a file of losses next to the packs.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import file_digest
from itertools import islice
from pathlib import Path
from typing import Any

from reelmill.contract.counters import StageCounter
from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.spec.block import StageBlock
from reelmill.contract.spec.file import FileRef
from reelmill.contract.spec.stages.tokenize import TokenizeBlock
from reelmill.contract.text.quantities import count_of
from reelmill_stages.item_errors import failed
from reelmill_stages.stage import (
    Assembled,
    DataSetReader,
    Done,
    Failed,
    File,
    Input,
    Kept,
    ReadFile,
    Result,
    Shard,
    Stage,
    Work,
)
from reelmill_stages.stages.tokenize.document import DocumentEncoder, TokenDocument, cut
from reelmill_stages.stages.tokenize.pack_json import PackJson
from reelmill_stages.stages.tokenize.payload import TAR, Loss, Payload, PayloadWriter, Span
from reelmill_stages.stages.tokenize.pictures import fitted
from reelmill_stages.stages.tokenize.tar_samples import UnusableSample, UsableSample, read_samples
from reelmill_stages.stages.tokenize.token_tar import TokenTar
from reelmill_stages.stages.tokenize.views import views
from reelmill_stages.tar.buffered_reads import BufferedReads
from reelmill_stages.tar.payload_copies import link_or_copy
from reelmill_stages.tar.walk import Member, payload
from reelmill_stages.tokens.rules import PackRules
from reelmill_stages.tokens.tokenizer import Tokenizer, load

_BATCH = 256
"""Number of samples that are encoded together; the tokens of more samples would not fit into CPU caches."""


class TokenizeStage(Stage):
    """Tokenizes and packs the samples of tars."""

    spans = True
    pace = 0.01

    def __init__(self, block: StageBlock) -> None:
        super().__init__(block)
        assert isinstance(block, TokenizeBlock)
        self._block = block
        self._loaded: tuple[Tokenizer, DocumentEncoder] | None = None
        self._writes: tuple[PackJson, dict[str, Any]] | None = None

    def check_files(self, read: Callable[[FileRef], Path]) -> None:
        load(read(self._block.tokenizer), self._block.symbols.model_dump(), self._block.tokenizer.uri)

    def process(self, group: Sequence[Input], work: Work) -> Sequence[Result]:
        return [self._process_input(input_, work) for input_ in group]

    def _process_input(self, input_: Input, work: Work) -> Result:
        item = input_.item
        if item.media is None:
            return Failed(ItemReason.NO_MEDIA, f"{item.key} is not a tar")
        folder = work.scratch / f"{input_.number:06d}"
        folder.mkdir()
        try:
            tar = work.fetch(item.media)
            with BufferedReads(tar) as reads, PayloadWriter(folder) as writing:
                one = _Tar(self._block, reads, writing, *self._tokenizer(work.read))
                one.take_all()
        except ItemError as error:
            return failed(error)
        lost = Counter(loss.reason for loss in one.losses)
        loss_counts = ", ".join(f"{count} {reason}" for reason, count in sorted(lost.items()))
        if not one.count:
            return Failed(
                ItemReason.NO_DOCUMENTS,
                f"no sample can be used, of {count_of(one.samples, 'sample')}: {loss_counts or 'the tar is empty'}",
            )
        counters = {
            StageCounter.DOCUMENTS: one.count,
            **{StageCounter.LEFT_OUT.of(reason): count for reason, count in lost.items()},
        }
        return Done(
            payload=(*writing.files, File(TAR, link_or_copy(tar, folder / TAR))),
            fields={"samples": one.samples, "losses": [loss.to_json() for loss in one.losses]},
            counters={**counters, **one.counters},
            message=f"left out of {count_of(one.samples, 'sample')}: {loss_counts}" if lost else "",
        )

    def assemble(self, kept: Iterable[Kept], shard: Shard) -> Iterator[Assembled]:
        writer, facts = self._writer(shard.read)
        size, end = self._block.tars_per_tar, shard.first_number + shard.count
        open_: TokenTar | None = None
        stretch = -1
        for one in kept:
            place = (one.input.number - shard.first_number) // size
            if open_ is None or place != stretch:
                full, stretch = open_, place
                first = shard.first_number + place * size
                open_ = TokenTar(self._block, shard, first, min(first + size, end), writer)
                if full:
                    yield full.finish(facts)
            open_.add(Payload(one))
        if open_:
            yield open_.finish(facts)

    def present(self, data: DataSetReader, view: Mapping[str, Any]) -> Iterator[File]:
        return views(data, self._block)

    def _tokenizer(self, read: ReadFile) -> tuple[Tokenizer, DocumentEncoder]:
        if self._loaded is None:
            ref = self._block.tokenizer
            names = self._block.symbols.model_dump()
            tokenizer = load(read(ref.uri, ref.digest or ""), names, ref.uri)
            self._loaded = tokenizer, DocumentEncoder(tokenizer, self._block.patches_per_image)
        return self._loaded

    def _writer(self, read: ReadFile) -> tuple[PackJson, dict[str, Any]]:
        """Return the writer of packs, and the common fields of all items."""
        if self._writes is None:
            tokenizer, _ = self._tokenizer(read)
            facts = {"pack": self._pack_rules(tokenizer).to_json(), "tokenizer": self._tokenizer_reference(read)}
            self._writes = PackJson(tokenizer.size, self._block.max_tokens), facts
        return self._writes

    def _pack_rules(self, tokenizer: Tokenizer) -> PackRules:
        return PackRules(self._block.max_tokens, self._block.patches_per_image, tokenizer.symbols, tokenizer.size)

    def _tokenizer_reference(self, read: ReadFile) -> dict[str, Any]:
        """Return a reference to the tokenizer, for readers of the packs."""
        ref = self._block.tokenizer
        with read(ref.uri, ref.digest or "").open("rb") as file:
            digest = f"sha256:{file_digest(file, 'sha256').hexdigest()}"
        return {"uri": ref.uri, "digest": digest, "symbols": self._block.symbols.model_dump()}


class _Tar:
    """Writes the samples of one tar to its payload."""

    def __init__(
        self,
        block: TokenizeBlock,
        tar: BufferedReads,
        writer: PayloadWriter,
        tokenizer: Tokenizer,
        encoder: DocumentEncoder,
    ) -> None:
        self._block = block
        self._tar = tar
        self._payload = writer
        self._encoder = encoder
        self._image_ids = tokenizer.symbols.of_images
        self.losses: list[Loss] = []
        self.counters = Counter(escaped=0, cut=0)
        self.samples = self.count = 0

    def take_all(self) -> None:
        """Write all samples, batch by batch. Raises BadTar for an invalid tar."""
        found = read_samples(self._tar)
        while batch := list(islice(found, _BATCH)):
            self.samples += len(batch)
            turns = [sample.turns for sample in batch if isinstance(sample, UsableSample)]
            documents = self._encoder.documents(turns)
            for sample in batch:
                if isinstance(sample, UnusableSample):
                    self._record_loss(sample.key, sample.error)
                else:
                    self._add_sample(sample, next(documents))
            self._payload.end_batch()

    def _record_loss(self, key: str, error: ItemError) -> None:
        self.losses.append(Loss(key, error.reason, error.what))

    def _add_sample(self, sample: UsableSample, document: TokenDocument | ItemError) -> None:
        """Write a sample, or record the reason why it is omitted."""
        limit = self._block.max_tokens
        tokens = 0 if isinstance(document, ItemError) else len(document)
        try:
            if isinstance(document, ItemError):
                raise document
            if tokens >= limit:
                document = self._shortened(document)
            images = [self._image(member) for member in sample.images]
        except ItemError as error:
            if tokens >= limit:
                self._payload.too_long(sample.place, tokens)
            self._record_loss(sample.key, error)
            return
        self._payload.add(sample.place, document, images)
        self.count += 1
        self.counters[StageCounter.ESCAPED] += document.escaped
        self.counters[StageCounter.CUT] += document.cut
        if document.unknown:
            self.counters[StageCounter.UNKNOWN_CHARACTERS] += 1

    def _shortened(self, document: TokenDocument) -> TokenDocument:
        limit = self._block.max_tokens
        if self._block.overlong == "drop":
            raise ItemError(ItemReason.TOO_LONG, f"{count_of(len(document), 'token')}; fewer than {limit} fit")
        return cut(document, limit - 1, self._image_ids)

    def _image(self, member: Member) -> Span:
        block = self._block
        data = payload(self._tar, member)
        made = fitted(data, block.max_image_side, block.image_fit, block.jpeg_quality)
        if made is None:
            return self._payload.image(data) if member.pieces else (TAR, member.data, member.size)
        self.counters[StageCounter.IMAGES_MADE_ANEW] += 1
        return self._payload.image(made)

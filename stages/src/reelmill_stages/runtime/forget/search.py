"""Searches records for names of forgotten items: as a value, as a name of a field, or as a word of a text."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import fields

from reelmill.contract.errors import NotFound
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.forgotten import Forgetting
from reelmill.contract.records.layout import INTERNAL, DataSetPaths
from reelmill.contract.records.rows import Item, LedgerRow, ListRows, Media, Outcome, Output, Span
from reelmill.contract.records.segment import Object, Part
from reelmill_stages.records.record_names import RECORDS, is_rows, record_model
from reelmill_stages.records.retried_row import RetriedRow
from reelmill_stages.runtime.decide import blocks
from reelmill_stages.store import Store

_STRING = re.compile(rb'"((?:[^"\\]|\\.)*+)"')
_ROWS = (Item, LedgerRow, ListRows, Media, Output, RetriedRow, Span, Object, Part)
_WORDS = frozenset(
    [
        *(field.name for row in _ROWS for field in fields(row)),
        *(info.alias or name for model in RECORDS for name, info in model.model_fields.items()),
        *Outcome,
        *ItemReason,
    ]
)
"""Names of the fields of rows and records, and values of them that are no names of items."""
_EDGES = "\"'`.,;:()[]{}<>"


class Names:
    """Names that are looked for."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)
        words = [name.split() for name in self._names]
        self._phrases = frozenset(" ".join(found).strip(_EDGES) for found in words) - {""}
        self._lengths = frozenset(map(len, words)) - {0}

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def mentioned(self, text: str) -> bool:
        """Whether a text is one of the names, or has one as a word; as several words, if the name has spaces."""
        if text in self._names:
            return True
        words = text.split()
        return any(
            " ".join(words[first : first + length]).strip(_EDGES) in self._phrases
            for length in self._lengths
            for first in range(len(words) - length + 1)
        )


def left(store: Store, plan: Forgetting) -> Iterator[str]:
    """Keys of records and files that still have something of the items of a plan."""
    names = names_of(plan)
    for what in plan.data_sets:
        root = DataSetPaths(what.name, what.key).root
        files = {file.key for file in what.files}
        for stat in store.list(f"{root}/", follow_links=False):
            if stat.key in files:
                yield stat.key
            name = stat.key.removeprefix(f"{root}/")
            is_record = f"{INTERNAL}/" in name and (is_rows(name) or record_model(name) is not None)
            if is_record and _has(store, stat.key, names):
                yield stat.key


def names_of(plan: Forgetting) -> Names:
    """All names that no record may have: those that are words of the records themselves cannot be searched for."""
    names = {*plan.keys, *plan.uris, *(name for what in plan.data_sets for name in what.names)}
    return Names(names - _WORDS - {what.name for what in plan.data_sets})


def _has(store: Store, key: str, names: Names) -> bool:
    try:
        with store.open(key) as file:
            if key.endswith(".bin"):
                return _block_has(file.read(), names) if "/block-" in key else False  # a bucket has numbers only
            return any(names.mentioned(text) for line in file for text in _strings(line))
    except NotFound:
        return False


def _block_has(data: bytes, names: Names) -> bool:
    """Whether a block of kept signatures has one of these keys; one that cannot be read is searched as bytes."""
    try:
        return any(row.key in names for row in blocks.rows(data))
    except ValueError:
        return any(name.encode(errors="surrogatepass") in data for name in names)


def _strings(line: bytes) -> Iterator[str]:
    for found in _STRING.finditer(line):
        text = found[1]
        yield str(json.loads(b'"%b"' % text, strict=False)) if b"\\" in text else text.decode(errors="replace")

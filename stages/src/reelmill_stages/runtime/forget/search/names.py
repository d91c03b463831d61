"""Names to search for in texts: as the whole text, or as words of it. They are known in plain text, or by digest."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import fields

from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.forgotten import Forgetting, ForgottenNames, tombstone_digest
from reelmill.contract.records.rows import Item, LedgerRow, ListRows, Media, Outcome, Output, Span
from reelmill.contract.records.segment import Object, Part
from reelmill_stages.records.record_names import RECORDS
from reelmill_stages.records.retried_row import RetriedRow
from reelmill_stages.store.keys import MAX_KEY

_ROWS = (Item, LedgerRow, ListRows, Media, Output, RetriedRow, Span, Object, Part)
_WORDS = frozenset(
    [
        *(field.name for row in _ROWS for field in fields(row)),
        *(info.alias or name for model in RECORDS for name, info in model.model_fields.items()),
        *Outcome,
        *ItemReason,
    ]
)
"""Names of the fields of rows and records, and values of them that are not names of items."""
_EDGES = "\"'`.,;:()[]{}<>"
_SEEN = 1 << 16
"""Number of short texts for which the result of the search is cached."""
_SHORT = 80
_SEGMENT = re.compile(r"(?<![^/])\d{4,}(?=/)")
"""The folder of a segment in a path."""


class Names:
    """Names known in plain text."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)
        words = [name.split() for name in self._names]
        self._phrases = frozenset(" ".join(found).strip(_EDGES) for found in words) - {""}
        self._lengths = frozenset(map(len, words)) - {0}

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    @property
    def lengths(self) -> frozenset[int]:
        """Numbers of words in the names."""
        return self._lengths

    @property
    def phrases(self) -> frozenset[str]:
        """The names as words separated by one space, without punctuation at the edges."""
        return self._phrases

    def mentioned(self, text: str) -> bool:
        """Whether a text is one of the names, or contains one as a word, or as several words if the name has spaces."""
        return text in self._names or any(phrase in self._phrases for phrase in _phrases(text, self._lengths))


class DigestNames:
    """Names known only by digest, as recorded for forgotten items."""

    def __init__(
        self, source: str, records: Iterable[ForgottenNames], tombstones: Iterable[str], but: Iterable[str] = ()
    ) -> None:
        """`tombstones` are the digests of the items, and `but` are words with another meaning."""
        self._source = source
        digests, lengths, files, roots = set(tombstones), {1}, set[str](), set[str]()
        for record in records:
            digests |= {*record.names, *record.items}
            lengths |= {*record.words}
            files |= {*record.files}
            roots |= {*record.roots}
        self._digests = frozenset(digests) - {tombstone_digest(source, word) for word in (*_WORDS, *but)}
        self._lengths = frozenset(lengths)
        self._files = frozenset(files)
        self._roots = frozenset(roots)
        self._seen: dict[str, bool] = {}

    def mentioned(self, text: str) -> bool:
        """As `Names.mentioned`."""
        if len(text) > _SHORT:
            return self._is_mentioned(text)
        found = self._seen.get(text)
        if found is None:
            if len(self._seen) >= _SEEN:
                self._seen.clear()
            found = self._seen[text] = self._is_mentioned(text)
        return found

    def names_file(self, key: str, root: str = "") -> bool:
        """Whether the object with this key is (a copy of) a deleted file, or has one of the names in its name.

        `root` is the data set that it is in.
        """
        return self.is_deleted_file(key, root) or any(map(self.mentioned, ends_of(key)))

    def is_deleted_file(self, path: str, root: str = "") -> bool:
        """Whether a path ends with that of a file that was deleted, or a text contains such a path as a word.

        Views and exports contain paths that are relative to a data set: to the one at `root`, or to any if it is empty.
        """
        words = (word.strip(_EDGES) for word in path.split())
        return self._is_path_of_deleted(path, root) or any(self._is_path_of_deleted(word, root) for word in words)

    def _is_path_of_deleted(self, path: str, root: str) -> bool:
        # The rest of a key is never longer, and a text may contain any number of slashes.
        ends = [path[found.start() :] for found in _SEGMENT.finditer(path, max(0, len(path) - MAX_KEY))]
        if not ends:
            return False
        roots = (root,) if root else self._roots
        return self._has_file(path) or any(self._has_file(f"{one}/{end}") for end in ends for one in roots)

    def _has_file(self, key: str) -> bool:
        return tombstone_digest(self._source, key) in self._files

    def _is_mentioned(self, text: str) -> bool:
        return self._has(text) or any(self._has(each) for each in _phrases(text, self._lengths) if each != text)

    def _has(self, text: str) -> bool:
        return tombstone_digest(self._source, text) in self._digests


def ends_of(path: str) -> Iterator[str]:
    """The texts that a path may be named after: each tail of it, with and without its extensions."""
    parts = path.split("/")
    for place in range(len(parts)):
        end = "/".join(parts[place:])
        yield end
        stem, _, name = end.rpartition("/")
        for cut in (at for at, letter in enumerate(name) if letter == "." and at):
            yield f"{stem}/{name[:cut]}" if stem else name[:cut]


def names_of(plan: Forgetting) -> Names:
    """All names that no record may contain, except words of the records themselves, which cannot be searched for."""
    names = {*plan.keys, *plan.uris, *(name for what in plan.data_sets for name in what.names)}
    return Names(names - _WORDS - {what.name for what in plan.data_sets})


def _phrases(text: str, lengths: Iterable[int]) -> Iterator[str]:
    words = text.split()
    for length in lengths:
        for first in range(len(words) - length + 1):
            phrase = " ".join(words[first : first + length]).strip(_EDGES)
            if phrase:
                yield phrase

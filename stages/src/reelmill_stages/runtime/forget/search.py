"""Searches records for names of forgotten items: as a value, as a name of a field, or as a word of a text."""

import json
import re
from collections.abc import Collection, Iterator

from reelmill.contract.errors import NotFound
from reelmill.contract.records.forgotten import Forgetting
from reelmill.contract.records.layout import INTERNAL, DataSetPaths
from reelmill_stages.records.record_names import is_rows, record_model
from reelmill_stages.store import Store

_STRING = re.compile(rb'"((?:[^"\\]|\\.)*+)"')
_EDGES = "\"'`.,;:()[]{}<>"


def mentions(text: str, names: Collection[str]) -> bool:
    """Whether a text is one of these names, or has one as a word."""
    return text in names or any(word in names or word.strip(_EDGES) in names for word in text.split())


def left(store: Store, plan: Forgetting) -> Iterator[str]:
    """Keys of records and files that still have something of the items of a plan."""
    names = names_of(plan)
    for what in plan.data_sets:
        root = DataSetPaths(what.name, what.key).root
        files = {file.key for file in what.files}
        for stat in store.list(f"{root}/", follow_links=False):
            if stat.key in files and not stat.foreign:
                yield stat.key
            name = stat.key.removeprefix(f"{root}/")
            is_record = f"{INTERNAL}/" in name and (is_rows(name) or record_model(name) is not None)
            if is_record and _has(store, stat.key, names):
                yield stat.key


def names_of(plan: Forgetting) -> frozenset[str]:
    """All names that no record may have."""
    return frozenset([*plan.keys, *plan.uris, *(name for what in plan.data_sets for name in what.names)])


def _has(store: Store, key: str, names: Collection[str]) -> bool:
    try:
        with store.open(key) as file:
            if key.endswith(".bin"):
                data = file.read()
                return any(name.encode(errors="surrogatepass") in data for name in names)
            return any(mentions(text, names) for line in file for text in _strings(line))
    except NotFound:
        return False


def _strings(line: bytes) -> Iterator[str]:
    for found in _STRING.finditer(line):
        text = found[1]
        yield str(json.loads(b'"%b"' % text, strict=False)) if b"\\" in text else text.decode(errors="replace")

"""Anonymous rows, which replace rows with data of forgotten items. Pure functions.

They keep the values that the counts of a stage depend on: ordinals, positions, weights, outcomes and attempts.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from reelmill.contract.records.forgotten import ANONYMOUS, anonymous_key
from reelmill.contract.records.rows import POSITION
from reelmill_stages.runtime.forget.search.names import Names

Row = dict[str, Any]
Redact = Callable[[int, Row], Row | None]
"""Returns the replacement for a row, by its number in the file; None: it is unchanged."""
Token = Callable[[int, Row], str]
"""Returns the anonymous key of a row of a ledger, by its number."""


def items(data_set: str, ordinals: Collection[int], first: int) -> Redact:
    """For a file of items; the first has the ordinal `first` in the data set with this key."""

    def redact(number: int, row: Row) -> Row | None:
        return _item(row, anonymous_key(data_set, first + number)) if first + number in ordinals else None

    return redact


def ledger(token: Token, rows: Collection[int], names: Names) -> Redact:
    """For a ledger; `token` returns the anonymous key of a row. Messages that mention one of the names are removed."""

    def redact(number: int, row: Row) -> Row | None:
        if number in rows:
            return {**row, "key": token(number, row), "message": ""}
        return {**row, "message": ""} if names.mentioned(row["message"]) else None

    return redact


def outcomes(
    token: Token, rows: Collection[int], made: Mapping[int, Sequence[int]], data_set: str, names: Names
) -> Redact:
    """For frozen outcomes. `made` maps the inputs whose items are removed to the ordinals of these in the data set."""
    of_ledger = ledger(token, rows, names)

    def redact(number: int, row: Row) -> Row | None:
        found = of_ledger(number, row)
        if number not in rows and number not in made:
            return found
        found = {name: value for name, value in (found or row).items() if name != "signature"}
        # Items that a verdict dropped have no ordinal.
        keys = [anonymous_key(data_set, each) for each in made.get(number, ())] or [f"{token(number, row)}-dropped"]
        made_items = [_item(item, keys[min(place, len(keys) - 1)]) for place, item in enumerate(row["items"])]
        return {**found, "items": made_items}

    return redact


def checkpoint(keys: Collection[str]) -> Redact:
    """For a checkpoint, whose rows are unordered: no data of the input is kept."""

    def redact(number: int, row: Row) -> Row | None:
        if row.get("key") not in keys:
            return None
        found = {name: value for name, value in row.items() if name != "signature"}
        return {**found, "key": f"forgotten-{number}", "message": "", "items": []}

    return redact


def ledger_token(upstreams: Mapping[str, str], source: str, segment: int, shard: int) -> Token:
    """The anonymous keys of rows in a ledger.

    It is the ledger of a stage with these upstreams (name -> key), or of a `source` (its key), whose rows have no
    ordinals.
    """

    def token(number: int, row: Row) -> str:
        if source:
            return f"{anonymous_key(source, segment)}-{shard}-{number}"
        if len(upstreams) == 1:
            return anonymous_key(next(iter(upstreams.values())), row["ordinal"])
        name = row["key"].partition("/")[0]
        return f"{name}/{anonymous_key(upstreams[name], row['ordinal'])}"

    return token


def lineage(keys: Mapping[str, str], files: Collection[str]) -> Redact:
    """For a lineage file: `keys` maps the keys of items to anonymous ones, `files` are those that are removed."""

    def redact(number: int, row: Row) -> Row | None:
        if row.get("item") in keys:
            return {**row, "item": keys[row["item"]]}
        return {**row, "file": f"forgotten-{number}"} if row.get("file") in files else None

    return redact


def retried(keys: Collection[str], key: str) -> Redact:
    """For the inputs of a retry, whose rows contain the items; in version 0.1.0 the rows are the items."""

    def redact(number: int, row: Row) -> Row | None:
        inside = row.get("item") if "key" not in row else row
        if not isinstance(inside, dict) or inside.get("key") not in keys:
            return None
        item = _item(inside, anonymous_key(key, inside.get("ordinal", number)))
        return {**row, "item": item} if "key" not in row else item

    return redact


def list_rows(keys: Collection[str]) -> Redact:
    """For the rows of a source's lists, which have the keys of its items."""

    def redact(number: int, row: Row) -> Row | None:
        if row.get("key") not in keys:
            return None
        return {"key": f"forgotten-{number}", "uri": f"forgotten-{number}", "rows": []}

    return redact


def _item(row: Row, key: str) -> Row:
    position = {POSITION: row[POSITION]} if POSITION in row else {}
    return {
        ANONYMOUS: True,
        "key": key,
        "ordinal": row["ordinal"],
        **position,
        "group": key,
        "weight": row["weight"],
        "outputs": [],
        "provenance": {},
    }

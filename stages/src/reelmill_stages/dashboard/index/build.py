"""Reads the segments of a data set into its index, part by part, in batches of rows.

A part that is damaged or missing is recorded with its problem, and the others are read: a bad file does not affect
others. Each batch is a transaction that also records the position in its part. So reading can be interrupted and
continued, and readers see what was read so far.

Segments change only if `reelmill forget` rewrites them. If items were forgotten since an index was made, the files of
all its segments are compared.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from reelmill.contract.errors import ReelmillError, TransientError
from reelmill.contract.records.forgotten import PENDING, TOMBSTONES
from reelmill.contract.records.rows import Outcome
from reelmill.contract.records.segment import Object, Part
from reelmill_stages.dashboard.index.cursor import fits
from reelmill_stages.dashboard.index.schema import MOST_FIELDS, column
from reelmill_stages.dashboard.index.values import Scalar, values
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.row_files import parse_row, rows_file
from reelmill_stages.records.rows.item_lines import item_reader
from reelmill_stages.records.rows.line_readers import ledger_row
from reelmill_stages.store import Store
from reelmill_stages.store.damage import address

BATCH, BATCH_BYTES = 1000, 8 << 20
"""Maximum number of rows that are written together, and size of rows in bytes after which no further one is added."""
PROBLEMS = 10
"""Maximum number of problems that are recorded for one part."""


class OtherData(Exception):
    """The index belongs to other data: the data set was recreated under the same key."""


class Builder:
    """Writes one index. There must be only one writer at a time."""

    def __init__(self, db: sqlite3.Connection, scratch: Path, *, stopped: Callable[[], bool] = lambda: False) -> None:
        self._db = db
        self._scratch = scratch
        self._stopped = stopped
        self._fields: dict[str, int] = dict(db.execute("SELECT name, id FROM fields"))

    def read(self, data: DataSet) -> None:
        """Read all committed segments that the index does not have yet.

        Raises OtherData if the index belongs to another data set, ReelmillError for a damaged segment record, and
        TransientError if the store does not respond.
        """
        known: int = self._db.execute("SELECT COALESCE(MAX(segment), 0) FROM parts").fetchone()[0]
        if known and not (data.last and data.last.segment >= known):
            raise OtherData
        forgotten = forgotten_items(data.store)
        is_as_it_was = forgotten is None or forgotten == self._forgotten()
        for segment in data.segments(after=max(0, known - 1) if is_as_it_was else 0):
            for number, part in enumerate(segment.parts):
                if self._stopped():
                    return
                self._part(data, segment.segment, number, part)
        if forgotten is not None:
            self._db.execute("INSERT OR REPLACE INTO about VALUES ('forgotten', ?)", (str(forgotten),))

    def _forgotten(self) -> int:
        """Return how many items of the store were forgotten when all segments were compared."""
        row = self._db.execute("SELECT value FROM about WHERE name = 'forgotten'").fetchone()
        return int(row[0]) if row else 0

    def _part(self, data: DataSet, segment: int, number: int, part: Part) -> None:
        files = [each.key if each else "" for each in (part.items, part.ledger)]
        row = self._db.execute(
            "SELECT id, items, ledger, items_read, ledger_read, complete FROM parts WHERE segment = ?"
            " ORDER BY id LIMIT 1 OFFSET ?",
            (segment, number),
        ).fetchone()
        if row and [row[1], row[2]] != files:
            raise OtherData
        if row and row[5]:
            return
        if row is None:
            self._db.execute("INSERT INTO parts (segment, items, ledger) VALUES (?, ?, ?)", (segment, *files))
            self._part(data, segment, number, part)
            return
        place, items_read, ledger_read = row[0], row[3], row[4]
        problems: list[str] = []
        self._items(data, part, place, items_read, problems)
        self._ledger(data, part, segment, place, ledger_read, problems)
        if not self._stopped():
            self._db.execute(
                "UPDATE parts SET complete = 1, problem = ? WHERE id = ?", ("\n".join(problems[:PROBLEMS]), place)
            )

    def _items(self, data: DataSet, part: Part, place: int, done: int, problems: list[str]) -> None:
        read = item_reader()
        for rows in self._batches(data, part.items, done, problems):
            found: list[tuple[tuple[object, ...], dict[int, Scalar]]] = []
            for number, start, line in rows:
                try:
                    item = parse_row(line, _file_address(data, part.items), number + 1, read)
                except ReelmillError as error:
                    problems.append(str(error))
                    continue
                place_of = (part.first_ordinal + number, place, start, len(line), item.key)
                known = {self._field(name): value for name, value in values(item)}
                found.append((place_of, {field: value for field, value in known.items() if field is not None}))
            with self._transaction():
                self._write(found)
                self._db.execute("UPDATE parts SET items_read = ? WHERE id = ?", (rows[-1][0] + 1, place))

    def _write(self, rows: list[tuple[tuple[object, ...], dict[int, Scalar]]]) -> None:
        fields = sorted({field for _, found in rows for field in found})
        columns = ", ".join(["ordinal", "part", "start", "size", "key", *map(column, fields)])
        marks = ", ".join("?" * (5 + len(fields)))
        self._db.executemany(
            f"INSERT OR REPLACE INTO items ({columns}) VALUES ({marks})",  # noqa: S608 - numbered columns
            ((*place, *(found.get(field) for field in fields)) for place, found in rows),
        )
        for field in fields:
            texts = sum(type(found.get(field)) is str for _, found in rows)
            numbers = sum(field in found for _, found in rows) - texts
            self._db.execute(
                "UPDATE fields SET numbers = numbers + ?, texts = texts + ? WHERE id = ?", (numbers, texts, field)
            )

    def _field(self, name: str) -> int | None:
        """Return the number of a field, which gets a column at its first use. None: there are too many already."""
        if (known := self._fields.get(name)) is not None:
            return known
        if len(self._fields) >= MOST_FIELDS:
            return None
        with self._transaction():
            number = self._db.execute("INSERT INTO fields (name) VALUES (?)", (name,)).lastrowid
            assert number is not None
            self._db.execute(f"ALTER TABLE items ADD COLUMN {column(number)}")
        self._fields[name] = number
        return number

    def _ledger(self, data: DataSet, part: Part, segment: int, place: int, done: int, problems: list[str]) -> None:
        for rows in self._batches(data, part.ledger, done, problems):
            found: list[tuple[object, ...]] = []
            for number, _, line in rows:
                try:
                    row = parse_row(line, _file_address(data, part.ledger), number + 1, ledger_row)
                except ReelmillError as error:
                    problems.append(str(error))
                    continue
                if not fits(row.ordinal, row.attempt):
                    problems.append(
                        f"{_file_address(data, part.ledger)}: line {number + 1} has numbers that are too large"
                    )
                    continue
                message = "" if row.outcome is Outcome.DONE else row.message
                found.append(
                    (segment, row.key, row.ordinal, row.outcome.value, row.reason, message, row.seconds, row.attempt)
                )
            with self._transaction():
                self._db.executemany(
                    "INSERT INTO ledger (segment, key, ordinal, outcome, reason, message, seconds, attempt)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    found,
                )
                self._db.execute("UPDATE parts SET ledger_read = ? WHERE id = ?", (rows[-1][0] + 1, place))

    def _batches(
        self, data: DataSet, file: Object | None, done: int, problems: list[str]
    ) -> Iterator[list[tuple[int, int, bytes]]]:
        """Yield batches of (number, offset, line) of a file of rows from row `done` on; a problem ends them.

        Raises TransientError: the part is then incomplete, and is read again later.
        """
        if file is None:
            return
        try:
            with rows_file(data.store, file.key, file.digest, self._scratch) as path:
                for batch in batched_lines(path, done):
                    if self._stopped():
                        return
                    yield batch
        except TransientError:
            raise
        except ReelmillError as error:
            problems.append(f"{error}; {error.hint}" if error.hint else str(error))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


def forgotten_items(store: Store) -> int | None:
    """Return how many items of the sources of a store were forgotten; None while some are being forgotten."""
    if any(store.list(PENDING, follow_links=False)):
        return None
    return sum(1 for _ in store.list(TOMBSTONES, follow_links=False))


def batched_lines(path: Path, done: int) -> Iterator[list[tuple[int, int, bytes]]]:
    """Yield batches of (number, offset, line) of a file, without the first `done` lines."""
    with path.open("rb") as file:
        start = size = 0
        batch: list[tuple[int, int, bytes]] = []
        for number, line in enumerate(file):
            if number >= done:
                batch.append((number, start, line))
                size += len(line)
            start += len(line)
            if len(batch) == BATCH or size >= BATCH_BYTES:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch


def _file_address(data: DataSet, file: Object | None) -> str:
    return address(data.store, file.key) if file else ""

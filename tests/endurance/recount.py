"""An independent recount of a store in a folder, with only the standard library and no code of reelmill.

It follows docs/concepts.md and the comments of the records: only what a closed segment names belongs to the data set.
Each violated rule is reported in one sentence.
"""

import hashlib
import json
import re
import tarfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Json = dict[str, Any]
OUTCOMES = ("done", "filtered", "failed", "skipped")
PLACE = frozenset({"sample", "position", "number", "ordinal", "outputs", "media", "provenance"})
"""Fields of a row with locations of files, and those with digests, which are compared separately."""


@dataclass
class Counted:
    """The content of one data set, read from its files."""

    name: str
    segments: int = 0
    rows: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Key -> effective outcome and reason."""
    items: dict[str, Any] = field(default_factory=dict)
    """Key -> fields of the item, and size and digest of its files."""
    keys: list[set[str]] = field(default_factory=list)
    """Keys of the items, segment by segment."""
    files: dict[str, str] = field(default_factory=dict)
    """Path of every committed file, including rows -> digest."""
    members: Counter[str] = field(default_factory=Counter)
    """For tars: kind and digest of every member, regardless of its name."""
    problems: list[str] = field(default_factory=list)

    def summary(self) -> Json:
        """The part that must be equal for any number of kills."""
        return {"rows": self.rows, "items": self.items, "members": dict(self.members)}


class Recount:
    """Counts the data sets of a store. `upstreams`: stage -> what it reads; a source has no entry."""

    def __init__(self, root: Path, upstreams: Mapping[str, str]) -> None:
        self.root, self.upstreams = root, upstreams
        self.sets: dict[str, Counted] = {}

    def count(self, names: Sequence[str]) -> dict[str, Counted]:
        """Count these data sets, upstreams first."""
        for name in names:
            self.sets[name] = self._data_set(name)
        return self.sets

    @property
    def problems(self) -> list[str]:
        return [f"{name}: {problem}" for name, found in self.sets.items() for problem in found.problems]

    def _data_set(self, name: str) -> Counted:
        found = Counted(name)
        latest = self.root / name / "latest.json"
        if not latest.exists():
            found.problems.append("there is no latest.json")
            return found
        folder = self.root / name / json.loads(latest.read_text())["key"][:10]
        numbers = sorted(int(path.name) for path in folder.iterdir() if re.fullmatch(r"\d{4}", path.name))
        ordinal, covered = 0, 0
        for number in numbers:
            internal = folder / f"{number:04d}" / "_reelmill"
            path = internal / "segment.json"
            if not path.exists():
                if (internal / "pass.json").exists():
                    found.problems.append(f"pass {number} is open")
                continue
            if number != found.segments + 1:
                found.problems.append(f"segment {number} follows {found.segments}")
            found.segments = number
            segment = json.loads(path.read_text())
            ordinal = self._segment(found, segment, internal, ordinal)
            covered = self._coverage(found, segment, internal, covered)
        self._inputs(found, covered)
        return found

    def _segment(self, found: Counted, segment: Json, internal: Path, ordinal: int) -> int:
        """Rows and files of one segment; returns the next ordinal."""
        number = segment["segment"]
        if segment["state"] != "committed":
            found.keys.append(set())
            return ordinal
        ledger: list[Json] = []
        fresh: set[str] = set()
        for shard, part in enumerate(segment["parts"]):
            if part["firstOrdinal"] != ordinal:
                found.problems.append(f"segment {number}: ordinals of part {shard} begin at {part['firstOrdinal']}")
            rows = list(self._rows(found, part["items"]))
            if len(rows) != part["count"]:
                found.problems.append(f"segment {number}, part {shard}: {len(rows)} items, not {part['count']}")
            for place, row in enumerate(rows):
                if row["ordinal"] != place:
                    found.problems.append(f"{row['key']}: row {place} says {row['ordinal']}")
                if row["key"] in found.items:
                    found.problems.append(f"{row['key']} is an item twice")
                found.items[row["key"]] = self._item(found, row)
                fresh.add(row["key"])
            ordinal += len(rows)
            ledger += self._rows(found, part["ledger"])
            for output in part["outputs"]:
                self._file(found, output)
            self._commit(found, part, internal, shard)
        found.keys.append(fresh)
        self._balance(found, segment, ledger, len(fresh))
        return ordinal

    def _balance(self, found: Counted, segment: Json, ledger: list[Json], items: int) -> None:
        number, listing = segment["segment"], segment["kind"] == "listing"
        once = Counter(row["key"] for row in ledger)
        found.problems += [f"segment {number}: {count} rows of {key}" for key, count in once.items() if count > 1]
        counts = Counter(row["outcome"] for row in ledger)
        if listing:
            counts["done"] += items
        self._equal(found, f"segment {number}: counts", segment["counts"], _counts(counts))
        for row in ledger:
            before = found.rows.get(row["key"])
            if before and (segment["kind"] != "retry" or before[0] != "failed"):
                found.problems.append(f"segment {number}: {row['key']} was {before[0]} and is done again")
            found.rows[row["key"]] = row["outcome"], row["reason"]
        totals = Counter(outcome for outcome, _ in found.rows.values())
        if listing:
            totals["done"] += sum(len(keys) for keys in found.keys)
        self._equal(found, f"segment {number}: totals", segment["totals"], _counts(totals))
        reasons = Counter(f"{outcome}:{reason}" for outcome, reason in found.rows.values() if outcome != "done")
        self._equal(found, f"segment {number}: reasons", segment["reasons"], dict(reasons))

    def _commit(self, found: Counted, part: Json, internal: Path, shard: int) -> None:
        """Check that a part of a stage's segment matches the shard's commit."""
        path = internal / "shards" / f"{shard:05d}.json"
        if path.exists():
            commit = json.loads(path.read_text())
            verdicts = internal / "verdicts.json"
            rows = json.loads(verdicts.read_text())["rows"].get(str(shard)) if verdicts.exists() else None
            if rows:
                self._decided(found, part, commit, rows)
                return
            same = all(commit[name] == part[name] for name in ("items", "ledger", "outputs"))
            if not same or commit["itemCount"] != part["count"]:
                found.problems.append(f"{path.relative_to(self.root)}: the segment says something else")

    def _decided(self, found: Counted, part: Json, commit: Json, verdicts: Json) -> None:
        """Check that a part with verdicts is the shard's rows with the verdicts applied."""
        decided_rows = {row["row"]: row for row in self._rows(found, verdicts)}
        dropped = {row["first"] + place for row in decided_rows.values() for place in range(row["items"])}
        ledger = [
            {
                **row,
                "outcome": "filtered",
                "reason": decided_rows[place]["reason"],
                "message": decided_rows[place]["message"],
            }
            if place in decided_rows
            else row
            for place, row in enumerate(self._rows(found, commit["ledger"]))
        ]
        items = [row for place, row in enumerate(self._rows(found, commit["items"])) if place not in dropped]
        where = f"part {part['ledger']['key']}"
        self._equal(found, f"{where}: ledger with verdicts", list(self._rows(found, part["ledger"])), ledger)
        renumbered = [{**row, "ordinal": place} for place, row in enumerate(items)]
        self._equal(found, f"{where}: items with verdicts", list(self._rows(found, part["items"])), renumbered)

    def _coverage(self, found: Counted, segment: Json, internal: Path, covered: int) -> int:
        """Check that segments are covered in order, and that the plan names each of their rows once."""
        upstream = self.upstreams.get(found.name)
        if upstream is None or segment["state"] != "committed":
            return covered
        number, plan = segment["segment"], json.loads((internal / "pass.json").read_text())
        self._equal(found, f"segment {number}: covers", segment["covers"], plan["covers"])
        planned = sum(shard["count"] for shard in plan["shards"])
        self._equal(found, f"segment {number}: inputs", planned, plan["in"])
        self._equal(found, f"segment {number}: counted inputs", segment["counts"]["in"], plan["in"])
        if segment["kind"] == "cover":
            first, last = segment["covers"][upstream]
            if first != covered + 1:
                found.problems.append(f"segment {number} covers {first} to {last} after {covered}")
            covered = last
            above = self.sets[upstream]
            named: Counter[tuple[str, int]] = Counter()
            for each in (each for shard in plan["shards"] for each in shard["slices"]):
                if above.files.get(each["rows"]) != each["digest"]:
                    found.problems.append(f"pass {number} reads {each['rows']}, which is not committed like that")
                named.update((each["rows"], each["first"] + row) for row in range(each["count"]))
            found.problems += [
                f"pass {number} reads {rows} {count} times" for rows, count in named.items() if count > 1
            ]
            wanted = sum(len(keys) for keys in above.keys[first - 1 : last])
            self._equal(found, f"segment {number}: rows of {upstream}", len(named), wanted)
        return covered

    def _inputs(self, found: Counted, covered: int) -> None:
        """Check that every upstream item has an effective row, and that there are no other rows."""
        if upstream := self.upstreams.get(found.name):
            above = self.sets[upstream]
            self._equal(found, f"segments of {upstream} covered", covered, above.segments)
            self._equal(found, "inputs", set(found.rows), set(above.items))

    def _rows(self, found: Counted, file: Json | None) -> Iterator[Json]:
        if file and (path := self._file(found, file)):
            yield from (json.loads(line) for line in path.read_bytes().splitlines())

    def _item(self, found: Counted, row: Json) -> Any:
        files = []
        for output in row["outputs"]:
            path = self._file(found, output)
            files.append((Path(output["key"]).suffix, output["size"], output["digest"]))
            if path and path.suffix == ".tar":
                self._members(found, path)
        return {name: value for name, value in row.items() if name not in PLACE}, sorted(files)

    def _members(self, found: Counted, path: Path) -> None:
        with tarfile.open(path) as tar:
            for member in tar:
                body = tar.extractfile(member)
                kind = member.name.partition(".")[2]
                found.members[f"{kind} {_digest(body.read()) if body else ''}"] += 1

    def _file(self, found: Counted, file: Json) -> Path | None:
        key, path = file["key"], self.root / file["key"]
        if key in found.files:
            self._equal(found, f"{key}: digest", file["digest"], found.files[key])
            return path
        found.files[key] = file["digest"]
        if not path.exists():
            found.problems.append(f"{key} is missing")
            return None
        data = path.read_bytes()
        self._equal(found, f"{key}: size and digest", (file["size"], file["digest"]), (len(data), _digest(data)))
        return path

    @staticmethod
    def _equal(found: Counted, what: str, told: Any, counted: Any) -> None:
        if told != counted:
            found.problems.append(f"{what}: told {str(told)[:300]}, counted {str(counted)[:300]}")


def committed(root: Path) -> dict[str, tuple[int, int, int]]:
    """Path -> inode, size and time of every record that is written once, and of every file that a commit names."""
    found: dict[str, tuple[int, int, int]] = {}

    def add(path: Path) -> None:
        status = path.stat()
        found[str(path.relative_to(root))] = status.st_ino, status.st_size, status.st_mtime_ns

    for commit in [*root.glob("*/*/*/_reelmill/shards/*.json"), *root.glob("*/*/*/_reelmill/segment.json")]:
        add(commit)
        record = json.loads(commit.read_text())
        for part in record.get("parts", [record]):
            for file in (part["items"], part["ledger"], *part["outputs"]):
                if file:
                    add(root / file["key"])
            rows = (root / part["items"]["key"]).read_bytes().splitlines() if part["items"] else []
            for output in (output for row in rows for output in json.loads(row)["outputs"]):
                add(root / output["key"])
    for plan in root.glob("*/*/*/_reelmill/pass.json"):
        add(plan)
    return found


def _counts(outcomes: Counter[str]) -> Json:
    return {"in": sum(outcomes.values()), **{name: outcomes[name] for name in OUTCOMES}}


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"

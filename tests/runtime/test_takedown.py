"""Which items a takedown is of, what a search finds later, and what comes back in their place."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any, ClassVar

import pytest

from reelmill.contract.digest import fingerprint
from reelmill.contract.records.forgotten import is_anonymous
from reelmill.contract.task import SourceDef, StoreRef
from reelmill_stages.runtime.forget.forgetting import plan_of, stored_plan
from reelmill_stages.runtime.forget.search.remains import forgotten, remains
from reelmill_stages.runtime.forget.source_place import source_place
from reelmill_stages.runtime.forget.tombstones import Tombstones
from reelmill_stages.sources import Listed
from reelmill_stages.sources.earlier_items import NOTHING
from reelmill_stages.store.forwarding import Forwarding
from runtime.forgetting_line import (
    GONE,
    NOW,
    copy_of,
    forget,
    is_forgotten,
    left,
    naming,
    run_line,
    texts,
)
from runtime.toy_line import Line, law, outcomes

pytestmark = pytest.mark.store  # needs no server, but the seconds that this tier may take


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Line:
    return run_line(tmp_path_factory.mktemp("forget"))


@pytest.fixture
def line(ran: Line, tmp_path: Path) -> Line:
    return copy_of(ran, tmp_path / "copy")


def sharing(line: Line, folder: Path) -> Line:
    """Another pipeline with a source of the same name at another place, in the same store."""
    folder.mkdir()
    return OtherSource(folder, ref=StoreRef(uri=str(line.root / "store")), uid="uid-2", shard_count=2)


class OtherSource(Line):
    """Its source has the key that its place gives it, as those of pipelines do."""

    def source_def(self, name: str) -> SourceDef:
        found = super().source_def(name)
        return found.replace(key=fingerprint(["source", name, str(self.root)]))


def test_an_item_of_another_pipeline_with_the_same_source_name_and_key_stays(line: Line, tmp_path: Path) -> None:
    other = sharing(line, tmp_path / "other")
    for key in (GONE, "item04"):
        other.put(key, f"of another person {key}")
    other.stage("lower", "Upper")
    other.go()
    assert forget(line, GONE) == []
    assert GONE in {item.key for item in other.data("raw").items()}
    assert "of another person item03" in texts(other, "lower")
    law(other.data("lower"))
    other.put("item98")
    other.go()
    assert other.survey().sources["raw"].items == 3
    assert left(line) == []
    line.go()
    assert GONE not in {item.key for item in line.data("raw").items()}
    assert forget(other, GONE) == []
    assert GONE not in {item.key for item in other.data("raw").items()}
    assert naming(line, GONE) == []
    other.go()
    line.go()
    assert naming(line, GONE) == []


def test_the_same_file_is_the_same_item_in_a_source_at_another_place(line: Line, tmp_path: Path) -> None:
    other = sharing(line, tmp_path / "other")
    for key in (GONE, "item04"):
        other.list_row({"key": key, "file": str(line.root / "media/raw" / f"{key}.txt")})
    for row in list(line.rows):  # the copied line has its rows in the folder that it was copied from
        line.list_row({**row, "file": str(line.root / "media/raw" / f"{row['key']}.txt")})
    line.stages[:] = [line.stage("again", "Upper", "raw")]
    other.stage("lower", "Upper")
    shutil.rmtree(line.root / "store")
    line.go()
    other.go()
    assert forget(line, GONE) == []
    assert naming(line, GONE) == []
    assert {item.key for item in other.data("raw").items()} == {"item04"}
    other.go()
    assert naming(line, GONE) == []


def test_a_tombstone_of_an_earlier_version_stands_for_every_item_with_its_key(line: Line, tmp_path: Path) -> None:
    digest = hashlib.sha256(b"raw\0item98").hexdigest()
    line.store.write(f"_reelmill/forgotten/raw/{digest}.json", b'{"forgotten":"2026-01-01T00:00:00Z"}')
    other = sharing(line, tmp_path / "other")
    for each in (line, other):
        each.put("item98")
        each.put("item97")
        each.survey()
        keys = {item.key for item in each.data("raw").items()}
        assert "item98" not in keys
        assert "item97" in keys


def test_a_plan_of_an_earlier_version_is_continued(line: Line) -> None:
    (line.root / "scratch").mkdir()
    plan = plan_of(line.store, line.source, [GONE], NOW, line.root / "scratch")
    told = json.loads(plan.model_dump_json(by_alias=True))
    for new in ("place", "objects"):
        del told[new]
    for part in (part for what in told["dataSets"] for part in what["parts"]):
        del part["copies"]
    line.store.write("_reelmill/forgetting/raw.json", json.dumps(told).encode())
    assert forget(line) == []
    is_forgotten(line)
    line.go()
    assert naming(line, GONE) == []


def test_a_survey_reads_one_record_of_all_that_was_forgotten_at_once(line: Line) -> None:
    class Counting(Forwarding):
        reads: ClassVar[list[str]] = []

        def read(self, key: str, **options: Any) -> bytes:
            self.reads.append(key)
            return super().read(key, **options)

    keys = [f"item{number:02d}" for number in range(5)]
    forget(line, *keys[:3])
    gone = Tombstones(Counting(line.store), "raw", source_place(line.source))
    kept_out = [gone.keep_out(Listed(key=key, group=key, weight=0.0), NOTHING) for key in keys]
    assert kept_out == [True, True, True, False, False]
    assert len(Counting.reads) == 1


def test_a_new_row_with_a_key_like_those_of_several_rows_is_listed(line: Line) -> None:
    forget(line, GONE)
    line.put(f"{GONE}~1a2b3c4d")
    line.survey()
    assert f"{GONE}~1a2b3c4d" in {item.key for item in line.data("raw").items()}


def test_what_was_made_of_it_is_found_if_somebody_puts_it_back(line: Line) -> None:
    derived = next(item.key for item in line.data("upper").items() if item.key.startswith(GONE))
    assert derived != GONE
    assert forget(line, GONE) == []
    for name, data in {
        "exports/list.csv": f"key,size\n{derived},3\n".encode(),
        "exports/rows.jsonl": json.dumps({"of": derived}).encode(),
        f"{line.data('upper').root}/0001/_reelmill/reports/0123456789.html": f"<td>{derived}</td>".encode(),
        "_reelmill/trash/20260101/raw/notes.json": json.dumps({"text": f"see {GONE}, please"}).encode(),
        f"previews/{derived}.jpg": b"\xff\xd8",
    }.items():
        line.store.write(name, data)
        assert left(line) == [name]
        line.store.delete(name)
    assert left(line) == []


def test_a_name_that_something_else_has_stops_no_run(tmp_path: Path) -> None:
    line = Line(tmp_path)
    line.put("sunset")
    line.put("other", fields={"text": "a sunset at the sea"})
    line.stage("upper", "Upper")
    line.go()
    (found,) = {name.split("/")[0] for name in forget(line, "sunset")}
    assert found == "raw"
    assert stored_plan(line.store, "raw") is None
    line.put("later")
    line.go()
    assert {item.key for item in line.data("raw").items()} == {"other", "later"}


def test_copies_that_were_dropped_in_favour_of_it_are_decided_again(tmp_path: Path) -> None:
    line = Line(tmp_path, shard_count=2)
    line.stages[:] = [line.stage("kept", "Near", within=2).replace(type="toy_decisions:Near")]
    for key, number in (("item03", 10), ("other", 11), ("third", 50), ("zebra", 12), ("fourth", 51)):
        line.put(key, f"{number}\n")
    line.go()
    line.put("later", "9\n")
    line.go()
    dropped = {key for key, row in outcomes(line.data("kept")).items() if row == ("filtered", "duplicate")}
    assert dropped == {"other", "zebra", "third", "later"}
    assert forget(line, GONE) == []
    rows = outcomes(line.data("kept"))
    assert {key for key, row in rows.items() if row == ("skipped", "withdrawn")} == {"other", "zebra", "later"}
    law(line.data("kept"))
    line.survey()
    line.run_pass(line.stages[0], kind="retry", cover={}, retry=("withdrawn",))
    rows = outcomes(line.data("kept"))
    done = {key for key, row in rows.items() if row[0] == "done" and not is_anonymous(key)}
    assert done == {"later", "zebra", "fourth"}
    law(line.data("kept"))
    assert naming(line, GONE) == []


def test_a_damaged_object_does_not_stop_a_search_and_is_not_counted_as_read(line: Line) -> None:
    forget(line, GONE)
    before = remains(line.store, forgotten(line.store, line.source))
    line.store.write("exports/damaged.tar", b"no tar")
    after = remains(line.store, forgotten(line.store, line.source))
    assert (after.left, after.objects, after.named_only) == ([], before.objects, before.named_only + 1)

"""What only `assemble` can see: an input that it refuses is a failed row, counted once, and tried again when asked."""

from pathlib import Path

import pytest
import toy_line as toy

pytestmark = pytest.mark.store  # needs no server, but the seconds that this tier may take


def picky(root: Path, shards: int = 2) -> toy.Line:
    line = toy.Line(root, shard_count=shards)
    for number in range(6):
        line.put(f"v{number}", "sour" if number in (1, 5) else f"text {number}")
    (root / "salt").write_text(" salted")
    stage = line.stage("picked", "Join", per_file=1, called=str(root / "salt"))
    line.stages[-1] = stage.model_copy(update={"type": "toy_refusing:Picky"})
    line.go()
    return line


def test_an_input_that_assemble_refuses_is_a_failed_row_and_no_item(tmp_path: Path) -> None:
    data = picky(tmp_path).data("picked")
    toy.law(data)
    assert data.totals.model_dump(by_alias=True) == {"in": 6, "done": 4, "filtered": 0, "failed": 2, "skipped": 0}
    failed = {row.key: (row.reason, row.message) for row in data.ledger() if row.outcome == "failed"}
    assert failed == {"v1": ("sour", "v1 is sour"), "v5": ("sour", "v5 is sour")}
    assert toy.contents(data) == {f"v{number}": f"text {number} salted" for number in (0, 2, 3, 4)}


def test_what_assemble_counts_is_added_up_and_refused_inputs_count_nothing(tmp_path: Path) -> None:
    data = picky(tmp_path).data("picked")
    assert data.last is not None
    assert data.last.counters == {"joined": 4, "salted": 4}
    assert data.last.reasons == {"failed:sour": 2}

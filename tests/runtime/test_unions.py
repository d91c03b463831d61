"""A stage with several upstreams takes all their items, told apart by the upstream's name."""

from pathlib import Path

import toy_line as toy

from reelmill.contract.records.segment import Pass
from reelmill_stages.records.records import load


def test_a_union_takes_all_items_and_keeps_their_keys_apart(tmp_path: Path) -> None:
    line = toy.Line(tmp_path, source_names=("raw", "more"))
    line.put("a", "from raw", source="raw", group="video")
    line.put("b", "from raw too", source="raw")
    line.put("a", "from more", source="more", group="video")
    flag = tmp_path / "flag"
    flag.touch()
    line.put("c", f"fail-if {flag} odd\nlate", source="more")
    both = line.stage("both", "Upper", "raw", "more")
    line.go()
    data = line.data("both")
    toy.law(data)
    assert toy.outcomes(data) == {
        "raw/a": ("done", ""),
        "raw/b": ("done", ""),
        "more/a": ("done", ""),
        "more/c": ("failed", "odd"),
    }
    assert toy.contents(data)["more/a"] == "FROM MORE"
    assert [item.group for item in data.items()] == ["video", "b", "video"]
    assert data.coverage == {"raw": 1, "more": 1}
    flag.unlink()
    line.run_pass(both, kind="retry")
    toy.law(line.data("both"))
    assert toy.outcomes(line.data("both"))["more/c"] == ("done", "")


def test_upstreams_are_covered_each_at_its_own_pace(tmp_path: Path) -> None:
    line = toy.Line(tmp_path, source_names=("raw", "more"))
    line.put("a", source="raw")
    line.put("b", source="more")
    line.stage("both", "Upper", "raw", "more")
    line.go()
    line.put("c", source="more")
    line.go()
    data = line.data("both")
    assert data.coverage == {"raw": 1, "more": 2}
    opened = load(line.store, data.paths(2).pass_json, Pass)
    assert opened is not None
    assert (opened.covers, opened.in_, opened.first_ordinal) == ({"more": (2, 2)}, 1, 2)

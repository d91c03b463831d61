"""The main path: survey, open, shards, commit."""

from pathlib import Path

import toy_line as toy


def test_every_input_becomes_items_and_is_accounted_for(tmp_path: Path) -> None:
    line = toy.Line(tmp_path, shard_count=2)
    for number in range(6):
        line.put(f"v{number}")
    line.put("bad", "fail broken")
    line.put("boring", "filter dull")
    line.list_row({"key": "gone", "file": "/nowhere/gone.txt"})
    upper = line.stage("upper")
    report = line.survey()
    assert report.sources["raw"].new == 9
    assert report.forecast == {}  # the survey imports no stage of the user's own
    line.advance()
    data = line.data("upper")
    toy.law(data)
    assert toy.outcomes(data)["bad"] == ("failed", "broken")
    assert toy.contents(data) == {f"v{number}": f"CONTENT\nV{number}\n" for number in range(6)}
    assert [item.ordinal for item in data.items()] == list(range(6))
    assert toy.outcomes(line.data("raw")) == {"gone": ("failed", "missing")}
    assert line.data("raw").totals.failed == 1
    assert data.last is not None
    assert data.last.counters == {"letters": sum(len(f"content\nv{n}\n") for n in range(6))}
    assert upper.key

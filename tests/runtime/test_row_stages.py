"""A `filter` stage in the runtime: it reads rows only, and its rows, counts and flow are those of any other stage."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import toy_line as toy
from hypothesis import given
from hypothesis import strategies as st

from reelmill.contract.digest import canonical, fingerprint
from reelmill.contract.records.flow import Volume
from reelmill.contract.records.rows import Item, Media, Output
from reelmill.contract.task import StageDef, Upstream
from reelmill_stages.records.rows.encoded_item import encoded, passed_on


def keep(line: toy.Line, least: float = 10, name: str = "keep", **rule: Any) -> StageDef:
    """Add a filter by the field `luma` of the source's rows."""
    params: dict[str, Any] = {"rules": [{"name": "too_dark", "field": "luma", "min": least, **rule}]}
    definition: dict[str, Any] = {"stage": "filter", "params": params}
    key = line.stages[-1].key if line.stages else line.source.key
    upstream = Upstream(name=line.stages[-1].name if line.stages else "raw", key=key)
    stage = StageDef(
        name=name,
        key=fingerprint([name, definition]),
        type="filter",
        data_version=1,
        params=params,
        definition=definition,
        upstreams=(upstream,),
    )
    line.stages.append(stage)
    return stage


def filled(root: Path, count: int = 20) -> toy.Line:
    line = toy.Line(root)
    for number in range(count):
        line.put(f"v{number:03d}", weight=2.0, fields={"luma": number, "duration": 2.0}, group=f"g{number // 3}")
    return line


def names(line: toy.Line, stage: str = "keep") -> list[str]:
    return [item.key for item in line.data(stage).items()]


def test_items_are_passed_on_with_their_media_and_fields(tmp_path: Path) -> None:
    line = filled(tmp_path)
    keep(line)
    line.go()
    data = line.data("keep")
    toy.law(data)
    found = {item.key: item for item in data.items()}
    assert list(found) == [f"v{number:03d}" for number in range(10, 20)]
    for before in line.data("raw").items():
        if before.key in found:
            after = found[before.key]
            assert (after.media, after.fields, after.group, after.weight) == (
                before.media,
                before.fields,
                before.group,
                before.weight,
            )
            assert after.outputs == ()
    assert data.last is not None
    assert data.last.reasons == {"filtered:too_dark": 10}
    rows = {row.key: row for row in data.ledger()}
    assert (rows["v009"].reason, rows["v009"].message) == ("too_dark", "luma is 9; min is 10")


def test_006_f07_a_moved_threshold_decides_again_without_touching_a_file(tmp_path: Path) -> None:
    line = filled(tmp_path)
    keep(line, 10)
    line.go()
    shutil.rmtree(tmp_path / "media")
    line.stages.pop()
    keep(line, 3)
    assert line.advance() > 0
    assert len(names(line)) == 17
    assert [row.reason for row in line.data("keep").ledger() if row.reason] == ["too_dark"] * 3


@pytest.mark.parametrize("shards", [1, 4])
def test_rows_do_not_depend_on_shards(tmp_path: Path, shards: int) -> None:
    whole, cut = filled(tmp_path / "whole"), filled(tmp_path / "cut")
    for line, count in ((whole, 1), (cut, shards)):
        line.shard_count = count
        keep(line)
        line.go()
    rows = [
        [{**item.to_json(), "media": None, "provenance": None} for item in line.data("keep").items()]
        for line in (whole, cut)
    ]
    assert rows[0] == rows[1]


def test_a_growing_source_decides_about_new_items_only(tmp_path: Path) -> None:
    line = filled(tmp_path)
    keep(line)
    line.go()
    before = names(line)
    line.put("v100", fields={"luma": 99})
    line.put("v101", fields={"luma": 1})
    line.go()
    data = line.data("keep")
    toy.law(data)
    assert names(line) == [*before, "v100"]
    assert [segment.counts.in_ for segment in data.segments()] == [20, 2]


def test_an_item_that_cannot_be_judged_fails_alone(tmp_path: Path) -> None:
    line = filled(tmp_path, 4)
    line.put("w1", fields={})
    line.put("w2", fields={"luma": "bright"})
    keep(line, 0)
    line.go()
    failed = {row.key: row.reason for row in line.data("keep").ledger() if row.reason}
    assert failed == {"w1": "no_field", "w2": "bad_field"}
    assert len(names(line)) == 4


def test_the_flow_of_a_stage_adds_up_over_passes_and_retries(tmp_path: Path) -> None:
    line = filled(tmp_path, 6)
    line.put("w1", weight=3.0, fields={"duration": 3.0})
    stage = keep(line, 2)
    line.go()
    last = line.data("keep").last
    assert last is not None
    assert last.flow is not None
    found = {name: (volume.items, volume.seconds) for name, volume in last.flow.outcomes.items()}
    assert found == {"done": (4, 8.0), "filtered:too_dark": (2, 4.0), "failed:no_field": (1, 3.0)}
    assert last.flow.made == last.flow.outcomes["done"]
    assert last.flow.given.bytes == sum(item.media.size for item in line.data("raw").items() if item.media)
    line.run_pass(stage, kind="retry", cover={})
    again = line.data("keep").last
    assert again is not None
    assert again.segment == 2
    assert again.flow == last.flow


def test_a_listing_has_a_flow_too(tmp_path: Path) -> None:
    line = filled(tmp_path, 3)
    line.list_row({"key": "gone", "file": str(tmp_path / "gone")})
    line.survey()
    last = line.data("raw").last
    assert last is not None
    assert last.flow is not None
    assert {name: volume.items for name, volume in last.flow.outcomes.items()} == {"done": 3, "failed:missing": 1}
    assert last.flow.made.seconds == 6.0


def test_a_pass_after_one_without_a_flow_has_none(tmp_path: Path) -> None:
    line = filled(tmp_path, 3)
    keep(line, 1)
    line.go()
    (file,) = (tmp_path / "store").glob("keep/*/0001/_reelmill/segment.json")
    record = json.loads(file.read_bytes())
    del record["flow"]
    file.write_bytes(json.dumps(record).encode())
    line.put("v100", fields={"luma": 99})
    line.go()
    last = line.data("keep").last
    assert last is not None
    assert (last.segment, last.flow) == (2, None)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["ordinal", "outputs", "a", "é", '"ordinal":0']), inner, max_size=3),
    ),
    max_leaves=6,
)
OUTPUTS = st.builds(Output, st.text(max_size=4), st.integers(0, 9), st.text(max_size=4))
ITEMS = st.builds(
    Item,
    key=st.text(max_size=6),
    ordinal=st.integers(0, 10**6),
    group=st.text(max_size=3),
    weight=st.floats(0, 100),
    media=st.one_of(st.none(), st.builds(Media, st.text(max_size=5), st.integers(0, 9))),
    outputs=st.lists(st.builds(Output, st.text(max_size=4), st.integers(0, 9), st.text(max_size=4)), max_size=2).map(
        tuple
    ),
    provenance=st.dictionaries(st.text(max_size=4), JSON, max_size=2),
    fields=st.dictionaries(
        st.sampled_from(["a", "orange", "z", "outputs2", "ordinal2", '"ordinal":']), JSON, max_size=3
    ),
)


@given(ITEMS, st.integers(0, 10**6))
def test_an_item_that_is_passed_on_has_the_row_that_encoding_gives(item: Item, ordinal: int) -> None:
    found = passed_on(item, canonical(item.to_json()))
    without = {**item.to_json(), "outputs": [], "ordinal": ordinal}
    if found is not None:
        assert found.at(ordinal) == canonical(without)
    assert encoded(item).at(ordinal) == canonical({**item.to_json(), "ordinal": ordinal})


def test_volumes_of_invalid_parts_are_refused() -> None:
    with pytest.raises(ValueError, match="greater than or equal to 0"):
        _ = Volume(items=1) - Volume(items=2)

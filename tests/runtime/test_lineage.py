"""Which inputs items were made of, judged by their contents: every toy file says the keys of all sources in it."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from reelmill.contract.errors import StoreDamaged
from reelmill.contract.records.rows import Item
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.lineage.part_lineage import PartLineage
from runtime.toy_line import Line, law

KEYS = [f"v{number:02d}" for number in range(11)]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Line:
    line = Line(tmp_path_factory.mktemp("lineage"), shard_count=2)
    for key in KEYS:
        line.put(key, "filter dull\n" if key == "v03" else "fail broken\n" if key == "v07" else "content")
    line.stage("upper", "Upper", many=2)
    line.stage("joined", "Join", per_file=3)
    line.go()
    return line


@pytest.fixture
def line(ran: Line, tmp_path: Path) -> Line:
    """A copy to change, of the store alone: media stay where they are."""
    shutil.copytree(ran.root, tmp_path / "copy", copy_function=os.link)
    return replace(ran, root=tmp_path / "copy", stages=list(ran.stages), rows=list(ran.rows))


def rewrite(path: Path, data: bytes) -> None:
    path.unlink()
    path.write_bytes(data)


def made(data: DataSet) -> dict[str, set[str] | None]:
    """Key of each item -> keys of its inputs."""
    found: dict[str, set[str] | None] = {}
    for segment in data.segments():
        for shard in range(len(segment.parts)):
            lineage = PartLineage(data, segment, shard)
            rows = list(lineage.inputs())
            for item, inputs in lineage.items():
                found[item.key] = None if inputs is None else {rows[number].key for number in inputs}
    return found


def said(data: DataSet, item: Item) -> set[str]:
    """The sources that the file of an item names."""
    assert item.media is not None
    return {word.lower() for word in data.store.read(item.media.uri).decode().split() if word.lower() in KEYS}


def test_an_item_of_one_input_is_led_back_to_it(ran: Line) -> None:
    data = ran.data("upper")
    assert made(data) == {item.key: said(data, item) for item in data.items()}
    assert len(made(data)) == 18


def test_an_assembled_item_is_led_back_to_all_of_its_inputs_and_to_no_other(ran: Line) -> None:
    data = ran.data("joined")
    lineage = made(data)
    assert {key: {each.partition(".")[0] for each in inputs or ()} for key, inputs in lineage.items()} == {
        item.key: said(data, item) for item in data.items()
    }
    assert sorted(each for inputs in lineage.values() for each in inputs or ()) == sorted(made(ran.data("upper")))


def test_lineage_grows_with_the_data_set_and_follows_retries(line: Line) -> None:
    line.put("v07", "content")
    line.survey()
    line.run_pass(line.stages[0], kind="retry", cover={})
    line.advance()
    for name in ("upper", "joined"):
        data = line.data(name)
        law(data)
        assert {key: {each.partition(".")[0] for each in inputs or ()} for key, inputs in made(data).items()} == {
            item.key: said(data, item) for item in data.items()
        }


def test_assembled_files_are_led_back_too(ran: Line) -> None:
    data = ran.data("joined")
    (segment,) = data.segments()
    found = {}
    for shard in range(len(segment.parts)):
        lineage = PartLineage(data, segment, shard)
        rows = list(lineage.inputs())
        found.update({file.key: {rows[each].key for each in inputs or ()} for file, inputs in lineage.files()})
    assert found == {item.media.uri: made(data)[item.key] for item in data.items() if item.media}


def test_016_f03_a_data_set_without_a_lineage_record_is_read_and_what_it_assembled_is_unknown(line: Line) -> None:
    """As version 0.1.0 wrote it."""
    data = line.data("joined")
    path = line.root / "store" / data.paths(1).segment_json
    segment = json.loads(path.read_text())
    for part in segment["parts"]:
        (line.root / "store" / part.pop("lineage")["key"]).unlink()
    rewrite(path, json.dumps(segment).encode())
    data = line.data("joined")
    law(data)
    assert set(made(data).values()) == {None}
    assert None not in made(line.data("upper")).values()


def test_a_stage_without_outcomes_has_items_of_unknown_origin_unless_their_keys_tell(line: Line) -> None:
    data = line.data("upper")
    for shard in (0, 1):
        (line.root / "store" / data.paths(1).outcomes(shard)).unlink()
        for path in (line.root / "store" / data.paths(1).checkpoints(shard)).glob("*"):
            path.unlink()
    assert set(made(line.data("upper")).values()) == {None}


def test_outcomes_that_do_not_fit_the_items_are_damage(line: Line) -> None:
    data = line.data("upper")
    path = line.root / "store" / data.paths(1).outcomes(0)
    lines = path.read_bytes().splitlines(keepends=True)
    rewrite(path, b"".join(lines[1:]))
    with pytest.raises(StoreDamaged, match="do not fit the shard"):
        made(line.data("upper"))

"""A demo in a folder that has one already: nothing is lost."""

from pathlib import Path

import pytest

from reelmill.contract.errors import SpecError
from reelmill_stages.commands.demo.inputs import move_results_aside, prepare


def test_an_empty_folder_has_nothing_to_put_aside(tmp_path: Path) -> None:
    assert move_results_aside(tmp_path / "demo") is None
    assert not (tmp_path / "demo").exists()


def test_what_earlier_demos_left_is_kept_in_a_folder_for_each(tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / "captions.csv").write_text(f"mine {number}")
        (tmp_path / "data").mkdir()
        (tmp_path / "notes.txt").write_text("not of a demo")
        assert move_results_aside(tmp_path) == tmp_path / "earlier" / str(number)
    assert [(tmp_path / f"earlier/{number}/captions.csv").read_text() for number in (1, 2)] == ["mine 1", "mine 2"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["earlier", "notes.txt"]


@pytest.mark.parametrize("name", ["data", "pipeline.yaml", "videos"])
def test_a_folder_with_data_of_ones_own_is_refused_and_stays_as_it_is(tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    if name == "pipeline.yaml":
        (tmp_path / name).write_text("mine")
    else:
        (tmp_path / name).mkdir()
    with pytest.raises(SpecError, match=f"contains {name}, which no demo created"):
        prepare(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "notes.txt"])

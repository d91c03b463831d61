"""Forgetting an item, judged by the bytes of the whole store: no object may name it or have its content."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reelmill.contract.errors import SpecError, StalePlan, StoreDamaged, TransientError
from reelmill_stages.runtime.forget.forgetting import begin, plan_of, stored_plan
from runtime.forgetting_line import (
    GONE,
    KEYS,
    NOW,
    copy_of,
    forget,
    is_forgotten,
    is_whole,
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


def test_016_f04_nothing_of_a_forgotten_item_is_left_and_data_sets_stay_whole(line: Line) -> None:
    assert naming(line, GONE)
    assert forget(line, GONE) == []
    is_forgotten(line)
    assert stored_plan(line.store, "raw") is None
    for key in KEYS[:3]:
        assert key in texts(line, "upper")


def test_016_f05_a_forgotten_item_does_not_come_back(line: Line) -> None:
    forget(line, GONE)
    line.put("item99")
    line.go()
    line.go()
    assert naming(line, GONE) == []
    assert "item99" in texts(line, "upper")
    assert line.survey().sources["raw"].new == 0
    assert line.survey().sources["raw"].drifted == 0


def test_016_f04_what_was_in_a_file_with_it_is_made_again(line: Line) -> None:
    before = texts(line, "last")
    forget(line, GONE)
    assert {reason for _, reason in outcomes(line.data("joined")).values()} >= {"withdrawn"}
    line.survey()
    line.run_pass(line.stages[1], kind="retry", cover={}, retry=("withdrawn",))
    line.advance()
    is_forgotten(line)
    after = texts(line, "last")
    assert sorted(word for word in before.split() if GONE not in word and word.startswith("item")) == sorted(
        word for word in after.split() if word.startswith("item")
    )


def test_a_stage_that_comes_later_filters_the_anonymous_row(line: Line) -> None:
    forget(line, GONE)
    line.stage("later", "Upper", "raw")
    line.run_pass(line.stages[-1])
    law(line.data("later"))
    assert [row for row in outcomes(line.data("later")).values() if row[1] == "forgotten"] == [
        ("filtered", "forgotten")
    ]
    assert naming(line, GONE) == []


def test_an_item_that_failed_or_was_filtered_is_forgotten_too(line: Line) -> None:
    assert naming(line, "item05")
    assert forget(line, "item05") == []
    assert naming(line, "item05") == []
    is_whole(line)


def test_of_several_processes_that_follow_a_plan_one_finishes_and_the_others_say_why_they_did_not(line: Line) -> None:
    (line.root / "scratch").mkdir()
    begin(line.store, plan_of(line.store, line.source, [GONE], NOW, line.root / "scratch"))
    with ThreadPoolExecutor(3) as pool:
        ends = [pool.submit(forget, line) for _ in range(3)]
    problems = [problem for end in ends if (problem := end.exception())]
    # One may find rows gone that another has written again.
    assert all(isinstance(problem, TransientError | StoreDamaged) for problem in problems), problems
    assert [end.result() for end in ends if not end.exception()] == [[]] * (3 - len(problems))
    if stored_plan(line.store, "raw"):
        assert forget(line) == []
    is_forgotten(line)


def test_several_items_are_forgotten_one_after_the_other(line: Line) -> None:
    forget(line, GONE)
    forget(line, "item00", "item07")
    for key in (GONE, "item00", "item07"):
        assert naming(line, key) == []
    is_whole(line)


def test_a_withdrawn_input_that_is_forgotten_itself_is_not_tried_for_ever(line: Line) -> None:
    forget(line, GONE)
    neighbours = [key.partition(".")[0] for key, row in outcomes(line.data("joined")).items() if row[1] == "withdrawn"]
    forget(line, *dict.fromkeys(neighbours))
    line.survey()
    line.run_pass(line.stages[1], kind="retry", cover={}, retry=("withdrawn",))
    assert "withdrawn" not in {reason for _, reason in outcomes(line.data("joined")).values()}
    assert "forgotten" in {reason for _, reason in outcomes(line.data("joined")).values()}
    is_whole(line)
    for key in neighbours:
        assert naming(line, key) == []


def test_an_open_pass_is_a_refusal_before_anything_is_written(line: Line) -> None:
    line.put("item99")
    line.survey()
    line.open(line.stages[0])
    before = naming(line, GONE)
    with pytest.raises(SpecError, match="is open"):
        forget(line, GONE)
    assert naming(line, GONE) == before


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_data_behind_a_link_is_a_refusal_before_anything_is_written(line: Line, depth: int) -> None:
    moved = line.root.joinpath("store", *line.data("last").paths(1).root.split("/")[:depth])
    shutil.move(moved, line.root / "elsewhere")
    moved.symlink_to(line.root / "elsewhere")
    with pytest.raises(SpecError, match="behind a link"):
        forget(line, GONE)
    assert naming(line, GONE)
    assert stored_plan(line.store, "raw") is None


def test_a_link_to_something_else_is_ignored(line: Line) -> None:
    (line.root / "others").mkdir()
    (line.root / "others/film.mp4").write_text(GONE)
    (line.root / "store/others").symlink_to(line.root / "others")
    (line.root / "store/film.mp4").symlink_to(line.root / "others/film.mp4")
    assert forget(line, GONE) == []
    assert (line.root / "others/film.mp4").read_text() == GONE
    assert (line.root / "store/film.mp4").is_symlink()


def test_a_file_that_was_changed_by_somebody_else_is_named_and_stays(line: Line) -> None:
    root = line.root / "store" / line.data("upper").root
    file = next(path for path in root.rglob("*.txt") if GONE in path.name)
    file.write_text("other content")
    mine = root / "0001/out/mine.txt"
    mine.write_text("of nobody's record")
    key = str(file.relative_to(line.root / "store"))
    assert forget(line, GONE) == [key]
    assert forget(line) == [key]
    file.unlink()
    assert forget(line) == []
    assert mine.exists()
    is_forgotten(line)


def test_a_run_is_refused_while_items_are_being_forgotten(line: Line) -> None:
    (line.root / "scratch").mkdir()
    begin(line.store, plan_of(line.store, line.source, [GONE], NOW, line.root / "scratch"))
    with pytest.raises(SpecError, match="being forgotten"):
        line.survey()
    assert forget(line) == []
    line.survey()


def test_a_stage_that_decides_forgets_what_it_compares_with(tmp_path: Path) -> None:
    line = Line(tmp_path)
    line.stages[:] = [line.stage("kept", "Near", within=2).replace(type="toy_decisions:Near")]
    for key, number in (("item03", 10), ("other", 11), ("third", 50)):
        line.put(key, f"{number}\n")
    line.go()
    assert outcomes(line.data("kept"))["other"] == ("filtered", "duplicate")
    assert naming(line, GONE)
    assert forget(line, GONE) == []
    assert naming(line, GONE) == []
    law(line.data("kept"))
    line.put("later", "10\n")
    line.put("fourth", "51\n")
    line.go()
    assert outcomes(line.data("kept"))["later"] == ("done", "")
    assert outcomes(line.data("kept"))["fourth"] == ("filtered", "duplicate")
    assert naming(line, GONE) == []


def test_retried_inputs_and_later_segments_are_forgotten(line: Line, tmp_path: Path) -> None:
    line.put("tardy", "fail broken\n")
    line.go()
    line.put("tardy", "fail again\n")
    line.run_pass(line.stages[0], kind="retry", cover={})
    assert naming(line, "tardy")
    assert forget(line, "tardy") == []
    assert naming(line, "tardy") == []
    is_whole(line)


@pytest.mark.parametrize("later", [True, False])
def test_results_of_an_abandoned_pass_are_deleted(later: bool, tmp_path: Path) -> None:
    line = Line(tmp_path, shard_count=2)
    for key in KEYS:
        line.put(key)
    stage = line.stage("upper", "Upper", many=2)
    line.survey()
    opened = line.open(stage)
    line.shard(stage, opened.segment, 0)
    line.commit(stage, opened.segment, abandon=True)
    if later:
        line.go()
    abandoned = line.data("upper").paths(1).root
    assert [name for name in naming(line, "item01") if name.startswith(f"{abandoned}/out/")]
    assert forget(line, "item01") == []
    assert naming(line, "item01") == []
    line.go()
    law(line.data("upper"))
    assert naming(line, "item01") == []
    assert len(texts(line, "upper").split()) > len(KEYS)


def test_a_pass_that_was_closed_while_the_plan_was_made_is_a_refusal(line: Line) -> None:
    (line.root / "scratch").mkdir()
    plan = plan_of(line.store, line.source, [GONE], NOW, line.root / "scratch")
    line.put("item99")
    line.go()
    with pytest.raises(SpecError, match="closed meanwhile"):
        begin(line.store, plan)
    assert stored_plan(line.store, "raw") is None
    assert forget(line, GONE) == []
    is_forgotten(line)


def test_a_survey_that_was_made_before_opens_no_pass_while_items_are_being_forgotten(line: Line) -> None:
    (line.root / "scratch").mkdir()
    line.put("item99")
    line.survey()
    begin(line.store, plan_of(line.store, line.source, [GONE], NOW, line.root / "scratch"))
    with pytest.raises(StalePlan, match="being forgotten"):
        line.open(line.stages[0])
    assert forget(line) == []

"""The report of a run: written to the store by the step that ends the run, once, and never to the harm of the run."""

import os
import threading
from pathlib import Path
from typing import Any

import pytest
from workshop import SAMPLES, Workshop, film

from cli.terminal import reelmill
from reelmill.contract.records.layout import run as run_key
from reelmill.contract.records.run import RunRecord
from reelmill.contract.task import CommitReport, Step
from reelmill_stages.host.local_process import local_process
from reelmill_stages.records.record_files import dump, load
from reelmill_stages.runtime.commit.step import commit
from reelmill_stages.runtime.context import context
from reelmill_stages.runtime.run_report import ATTEMPTS, end_of_run
from reelmill_stages.store import Store
from report.test_page import check, texts
from servers.processes import Server
from servers.s3_servers import make_bucket

pytestmark = pytest.mark.store  # needs no server, but each test runs a pipeline

UNCAPTIONED: dict[str, Any] = {**SAMPLES, "failures": {"tolerate": "100%"}}
"""Samples of clips that have no captions, so every item fails."""

STAGES: list[dict[str, Any]] = [
    {"name": "clips", "clip": {"by": "length", "length": "1s"}, "failures": {"tolerate": "60%"}},
    {"name": "keep", "filter": {"rules": [{"name": "large", "field": "media.size", "max": 10**9}]}},
    UNCAPTIONED,
]


def shop(folder: Path, **more: Any) -> Workshop:
    made = Workshop(folder, stages=STAGES, **more)
    made.film("a.mp4", "<b>&.mp4")
    (made.videos / "broken.mp4").write_bytes(film().read_bytes()[:1500])
    made.files()
    return made


def reports(store: Store) -> list[str]:
    return sorted(stat.key for stat in store.list("") if stat.key.endswith(".html"))


@pytest.fixture
def with_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REELMILL_RUN_REPORTS")


@pytest.mark.usefixtures("with_reports")
def test_014_f01_a_run_leaves_a_report_that_tells_what_funnel_and_ledger_tell(tmp_path: Path) -> None:
    made = shop(tmp_path)
    said = made.tell("run")
    assert said.code == 0, said.err
    (key,) = reports(made.store)
    assert f"report: {tmp_path}/store/{key}" in said.err
    last = said.err.index("report: ")
    assert said.err.count("report: ") == 1
    assert not [line for line in said.err[last:].splitlines()[1:] if line.startswith(("clips:", "warning:"))]
    assert key.startswith(f"{made.data('samples').root}/0001/_reelmill/reports/")
    html = made.store.read(key).decode()
    tree = check(html)
    said_there = texts(tree)
    losses = [one for row in made.ask("funnel") for one in row["lost"]]
    assert "failed" in {loss["outcome"] for loss in losses}
    for loss in losses:
        assert f"{loss['outcome']} {loss['reason']} {loss['items']} (" in said_there
    told = [row["message"] for row in made.ask("ledger", "--outcome", "failed")]
    assert all(" ".join(message.split()) in said_there for message in told)
    pictures = [each.get("alt") for each in tree.iter("img") if str(each.get("src")).startswith("data:image/jpeg")]
    assert [alt for alt in pictures if "<b>&.mp4" in str(alt)]
    assert "kind: VideoPipeline" in texts(tree)

    out = tmp_path / "own.html"
    said = made.tell("report", "-o", out)
    assert said.code == 0, said.err
    assert "own.html: complete. 3 items were listed" in said.err
    assert Path(key).stem in out.read_text(), "it is of the same state"

    made.run()
    assert reports(made.store) == [key], "the second run did nothing"
    made.film("c.mp4")
    made.run()
    assert len(reports(made.store)) == 2
    made.stages = [*STAGES[:2], {**UNCAPTIONED, "name": "samples", "frames": {"width": 16, "height": 16}}]
    made.run()
    said = made.tell("prune", "--delete", "--yes")
    assert said.code == 0, said.err
    assert "is no record of a run" not in said.err
    (left,) = reports(made.store)
    assert left.startswith(made.data("samples").root)


@pytest.mark.usefixtures("with_reports")
def test_a_run_that_ends_because_too_much_failed_has_a_report_too(tmp_path: Path) -> None:
    made = shop(tmp_path)
    made.stages = [{**STAGES[0], "failures": {"tolerate": 0}}, *STAGES[1:]]
    made.run(code=65)
    (key,) = reports(made.store)
    tree = check(made.store.read(key).decode())
    assert tree.find(".//span[@class='word failed']") is not None


def test_a_run_is_told_to_make_no_report(tmp_path: Path) -> None:
    made = shop(tmp_path)
    made.run()
    assert reports(made.store) == []
    assert not list(made.store.list("_reelmill/runs/"))


def commit_again(made: Workshop) -> tuple[RunRecord, Any]:
    """The record of the run, and a function that runs the last commit step once more, to its report."""
    (record_key,) = (stat.key for stat in made.store.list("_reelmill/runs/"))
    record = load(made.store, record_key, RunRecord)
    assert record is not None
    assert record_key == run_key(record.task.owner.uid)
    task = record.task.replace(step=Step.COMMIT, stages=record.task.stages[-1:], segment=1, run=9)

    def again() -> None:
        with context(task, os.environ, threading.Event()) as found:
            closed = commit(found)
            assert isinstance(closed, CommitReport)
            end_of_run(found, closed)

    return record, again


@pytest.mark.store  # needs no server, but some seconds
@pytest.mark.usefixtures("with_reports")
def test_twins_that_end_a_run_leave_one_report_and_attempts_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = shop(tmp_path)
    made.run()
    _, again = commit_again(made)
    (key,) = reports(made.store)
    first = made.store.read(key)

    def attempts() -> list[str]:
        return [stat.key for stat in made.store.list("") if "/reports/" in stat.key and stat.key.endswith(".json")]

    for lost in (key, *attempts()):
        made.store.delete(lost)
    twins = [threading.Thread(target=again) for _ in range(2)]
    for twin in twins:
        twin.start()
    for twin in twins:
        twin.join()
    assert reports(made.store) == [key]
    assert made.store.read(key) == first, "the report is a function of the state"
    assert len(attempts()) == 1, "on one machine, one of them makes it"

    made.store.delete(key)
    made.store.delete(*attempts())
    for number in range(1, ATTEMPTS + 1):
        made.store.write(key.replace(".html", f"-{number}.json"), b"{}")
    again()
    assert reports(made.store) == []
    assert f"was made in {ATTEMPTS} attempts" in caplog.text


@pytest.mark.usefixtures("with_reports")
def test_stages_that_end_a_run_at_once_leave_one_report(tmp_path: Path) -> None:
    made = shop(tmp_path)
    made.stages = [*STAGES, {**UNCAPTIONED, "name": "others", "from": ["keep"]}]
    made.run()
    (key,) = reports(made.store)
    data, segment = key.split("/")[:2], key.split("/")[2]
    assert made.store.stat("/".join([*data, segment, "_reelmill/segment.json"]))


@pytest.mark.usefixtures("with_reports")
def test_a_report_that_a_living_process_makes_is_left_to_it_and_one_of_a_dead_process_is_made_again(
    tmp_path: Path,
) -> None:
    made = shop(tmp_path)
    made.run()
    _, again = commit_again(made)
    (key,) = reports(made.store)
    first = made.store.read(key)
    mark, me = key.replace(".html", "-1.json"), local_process(os.getpid())
    assert me is not None
    for maker, there in ((me, []), (me.replace(started=me.started - 1), [key])):
        made.store.delete(key)
        made.store.write(mark, dump(maker))
        again()
        assert reports(made.store) == there
        if not there:
            made.store.write(key, first)
    assert made.store.read(key) == first


@pytest.mark.usefixtures("with_reports")
def test_a_report_that_cannot_be_made_is_told_and_the_run_is_complete(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = shop(tmp_path)
    made.run()
    _, again = commit_again(made)
    (key,) = reports(made.store)
    made.store.delete(key)
    last = made.data("clips").last
    assert last is not None
    assert last.parts[0].items is not None
    (tmp_path / "store" / last.parts[0].items.key).write_bytes(b"{}\n")
    again()
    assert reports(made.store) == []
    assert "the run has no report" in caplog.text


@pytest.mark.store
@pytest.mark.usefixtures("with_reports")
def test_the_same_holds_in_a_bucket(s3_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3_server.env.items():
        monkeypatch.setenv(name, value)
    made = shop(tmp_path, store_at=f"s3://{make_bucket(s3_server)}/data", endpoint=s3_server.endpoint)
    made.run()
    (key,) = reports(made.store)
    tree = check(made.store.read(key).decode())
    assert made.store_at in texts(tree)
    out = tmp_path / "own.html"
    assert made.tell("report", "-o", out).code == 0
    check(out.read_text())
    for secret in (value for name, value in s3_server.env.items() if "SECRET" in name or "KEY_ID" in name):
        assert secret not in out.read_text()


@pytest.mark.parametrize(("out", "words"), [("folder", "this is a folder"), ("none/report.html", "no such folder")])
def test_a_file_that_cannot_be_written_is_told_before_any_work(tmp_path: Path, out: str, words: str) -> None:
    (tmp_path / "folder").mkdir()
    made = shop(tmp_path)
    said = made.tell("report", "-o", tmp_path / out)
    assert said.code == 2
    assert words in said.err
    assert not (tmp_path / "store").exists()


def test_a_report_to_a_device_leaves_the_device_in_its_place(tmp_path: Path) -> None:
    made = shop(tmp_path)
    (tmp_path / "out").symlink_to("/dev/null")
    said = made.tell("report", "-o", tmp_path / "out")
    assert said.code == 0, said.err
    assert (tmp_path / "out").is_symlink()


def test_a_name_that_no_file_has_is_told_without_a_traceback(tmp_path: Path) -> None:
    made = shop(tmp_path)
    said = made.tell("report", "-o", tmp_path / ("x" * 300))
    assert (said.code, "too long" in said.err) == (2, True), said.err


def test_a_report_goes_to_standard_output_and_needs_no_run(tmp_path: Path) -> None:
    made = shop(tmp_path)
    said = made.tell("report", "-o", "-")
    assert said.code == 0, said.err
    assert "No run has listed the sources" in texts(check(said.out))


@pytest.mark.usefixtures("with_reports")
def test_what_is_kept_of_a_pipeline_for_its_report_has_no_values_of_variables(tmp_path: Path) -> None:
    made = shop(tmp_path)
    made.stages = [{**STAGES[0], "env": [{"name": "TOKEN", "value": "canary"}]}, *STAGES[1:]]
    made.run()
    kept = [path for path in (tmp_path / "store").rglob("*") if path.is_file() and b"TOKEN" in path.read_bytes()]
    assert kept
    assert not [path for path in kept if b"canary" in path.read_bytes()]


def test_values_of_variables_and_credentials_in_addresses_are_in_no_report(tmp_path: Path) -> None:
    made = shop(tmp_path)
    made.stages = [{**STAGES[0], "env": [{"name": "TOKEN", "value": "canary-1"}]}, *STAGES[1:]]
    text = made.file.read_text() + "# see http://user:canary-2@host/?sig=canary-3\n"
    file = tmp_path / "pipeline.yaml"
    file.write_text(text)
    for source in (text, text.replace("value: canary-1", "value: ''")):
        file.write_text(source)
        html = reelmill("report", file, "-o", "-").out
        assert "TOKEN" in html
        assert "canary" not in html

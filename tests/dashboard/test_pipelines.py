"""Which pipelines are shown, their numbers, and stores that cannot be read."""

import fcntl
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from cli.terminal import reelmill
from dashboard.data_sets import Written
from dashboard.markup import Markup
from dashboard.places import page
from e2e.workshop import Workshop, film
from reelmill.cli.commands.curation.dashboard import definition
from reelmill.cli.input.options import AS_NAMED
from reelmill.contract.errors import SpecError
from reelmill.contract.records.claim import Claim
from reelmill.contract.task import StoreRef
from reelmill_stages.dashboard.discovery.file_pipelines import FilePipelines
from reelmill_stages.dashboard.stores import OpenStores
from reelmill_stages.records.record_files import dump

pytestmark = pytest.mark.store  # needs no server, but runs a pipeline

ONE = "/api/v1/pipelines/default/hostile"


def test_019_f01_the_numbers_are_those_of_status_and_funnel(shop: Workshop, client: TestClient) -> None:
    view = client.get(ONE).json()
    told = [{name: value for name, value in row.items() if name != "note"} for row in shop.ask("status")]
    assert view["stages"] == told
    assert view["funnel"] == shop.ask("funnel")


def test_the_losses_are_those_of_the_ledger(shop: Workshop, client: TestClient) -> None:
    found = client.get(f"{ONE}/stages/keep/losses").json()
    told = shop.ask("ledger", "--stage", "keep", "--outcome", "filtered")
    assert [(row["key"], row["reason"], row["message"]) for row in found["rows"]] == [
        (row["key"], row["reason"], row["message"]) for row in told
    ]
    assert found["reasons"] == {"filtered:short": len(told)}


def test_the_page_and_the_api_say_the_same(client: TestClient) -> None:
    view = client.get(ONE).json()
    text = Markup(client.get("/pipelines/default/hostile").text).text
    for row in view["stages"]:
        assert row["name"] in text
    keep = next(row for row in view["stages"] if row["name"] == "keep")
    assert f"{keep['done']} of {keep['in']} kept" in text


def test_an_items_history_leads_from_its_source_to_the_last_stage(client: TestClient) -> None:
    item = client.get(f"{ONE}/stages/keep/items/0").json()
    assert [(event["stage"], event["outcome"]) for event in item["history"]] == [
        ("clips", "done"),
        ("keep", "done"),
        ("tars", "done"),
    ]
    lost = client.get(f"{ONE}/stages/keep/losses").json()["rows"][0]
    item = client.get(f"{ONE}/stages/{lost['upstream']}/items/{lost['ordinal']}").json()
    assert item["key"] == lost["key"]
    assert item["history"][-1]["reason"] == "short"


def test_shards_and_logs_are_shown(client: TestClient) -> None:
    strip = client.get(f"{ONE}/stages/clips/shards").json()
    assert (strip["is_open"], strip["committed"]) == (False, strip["shards"])
    assert sum(cell["items_in"] for cell in strip["cells"]) == 6
    lines = client.get(f"{ONE}/stages/clips/logs").json()["lines"]
    assert any("committed" in line["text"] for line in lines)


def test_the_list_is_filtered_and_sorted(client: TestClient) -> None:
    def names(query: str) -> list[str]:
        return [row["name"] for row in client.get(f"/api/v1/pipelines?{query}").json()["rows"]]

    assert names("q=HOST") == ["hostile"]
    assert names("q=nobody") == names("state=failed") == []
    assert names("state=complete&sort=name") == ["hostile"]
    assert client.get("/api/v1/pipelines?sort=nothing").status_code == 400


def test_the_api_describes_each_of_its_routes(client: TestClient) -> None:
    spec = client.get("/api/openapi.json").json()
    assert len(spec["paths"]) == 10
    for path, methods in spec["paths"].items():
        assert path.startswith("/api/v1/")
        assert list(methods) == ["get"]
        assert methods["get"]["description"]
        assert methods["get"]["responses"]["200"]["content"]["application/json"]["schema"]


def test_pipelines_of_one_store_are_told_apart_by_their_claims(tmp_path: Path) -> None:
    written = Written(tmp_path)
    written.segment([{"v": 1}])
    for uid, name in (("1" * 32, "one"), ("2" * 32, "two"), ("3" * 32, "two")):
        claim = Claim(namespace="n", name=name, uid=uid, data_set="clips", key=written.names.key)
        written.store.write(written.names.user(uid), dump(claim))
    with page(tmp_path / "scratch", store=str(tmp_path / "store")) as client:
        rows = client.get("/api/v1/pipelines?sort=name").json()["rows"]
        assert [(row["namespace"], row["name"]) for row in rows] == [("n", "one"), ("n", "two"), ("n", "two@33333333")]
        assert client.get("/pipelines/n/two@33333333/stages/clips/items").status_code == 200


def test_data_that_nobody_claims_are_shown_too(tmp_path: Path) -> None:
    written = Written(tmp_path)
    written.segment([{"text": "a dog"}])
    (tmp_path / "store/videos/0123456789").mkdir(parents=True)
    (tmp_path / "store/videos/0123456789/mine.mp4").write_bytes(b"")
    with page(tmp_path / "scratch", store=str(tmp_path / "store")) as client:
        (row,) = client.get("/api/v1/pipelines").json()["rows"]
        assert (row["namespace"], row["name"], row["items"]) == ("", "unclaimed", 1)
        text = client.get("/").text
        assert 'href="/pipelines/-/unclaimed"' in text
        assert "a dog" in client.get("/pipelines/-/unclaimed/stages/clips/items").text


def test_a_stage_that_reads_itself_by_its_record_is_shown(tmp_path: Path) -> None:
    written = Written(tmp_path)
    written.segment([{"text": "a dog"}])
    record = json.loads(written.store.read(written.names.stage_json))
    record["upstreams"] = {written.names.name: written.names.key}
    written.store.write(written.names.stage_json, json.dumps(record).encode())
    with page(tmp_path / "scratch", store=str(tmp_path / "store")) as client:
        for path in ("", "/stages/clips", "/stages/clips/items", "/stages/clips/losses"):
            assert client.get(f"/pipelines/-/unclaimed{path}").status_code == 200
        item = client.get("/api/v1/pipelines/-/unclaimed/stages/clips/items/0").json()
        assert [event["stage"] for event in item["history"]] == ["clips"]


def test_an_empty_store_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    with page(tmp_path / "scratch", store=str(tmp_path / "store")) as client:
        assert "reelmill run pipeline.yaml" in client.get("/").text


@pytest.mark.parametrize(
    "record", ["stage.json", "segment.json", "items", "ledger", "shards", "users", "latest.json", "pass.json"]
)
@pytest.mark.parametrize("damage", ["cut", "gone", "nonsense"])
def test_a_damaged_record_costs_what_it_says_and_the_page_lives(
    shop: Workshop, tmp_path: Path, record: str, damage: str
) -> None:
    shutil.copytree(shop.folder / "store", tmp_path / "store")
    for path in (tmp_path / "store/keep").rglob("*"):
        if path.is_file() and (path.name == record or record in path.parent.name):
            if damage == "gone":
                path.unlink()
            else:
                path.write_bytes(path.read_bytes()[:20] if damage == "cut" else b'{"\xff": [[[')
    with page(tmp_path / "scratch", store=str(tmp_path / "store")) as client:
        for path_ in ("/", "", "/stages/keep", "/stages/keep/items", "/stages/keep/losses", "/stages/keep/logs"):
            answer = client.get(path_ if path_ == "/" else f"/pipelines/default/hostile{path_}")
            assert answer.status_code in (200, 400, 404, 503), answer.text
            assert "internal error" not in answer.text
        # What lies beside is whole.
        assert client.get(f"{ONE}/stages/clips/items").json()["tiles"]


def test_a_store_that_goes_away_and_comes_back(shop: Workshop, tmp_path: Path) -> None:
    shutil.copytree(shop.folder / "store", tmp_path / "store")
    with page(tmp_path / "scratch", store=str(tmp_path / "store")) as client:
        (tmp_path / "store").rename(tmp_path / "away")
        assert client.get("/pipelines/default/hostile/stages/keep").status_code in (200, 503)
        assert client.get("/").status_code == 200
        (tmp_path / "away").rename(tmp_path / "store")
        end = time.monotonic() + 120
        while client.get(f"{ONE}/stages/clips/items").status_code != 200:  # it may have been read meanwhile
            assert time.monotonic() < end
            time.sleep(0.1)


def test_two_files_of_one_name_are_refused(shop: Workshop, tmp_path: Path) -> None:
    from reelmill.contract.commands.dashboard import DashboardSettings
    from reelmill_stages.dashboard.serve import make

    one = definition(str(shop.file), AS_NAMED)
    with pytest.raises(SpecError, match="two of these files have the name hostile"):
        make(DashboardSettings(), {}, tmp_path, files=[one, one])


def test_a_store_that_cannot_be_opened_costs_no_other_pipeline(shop: Workshop) -> None:
    one = definition(str(shop.file), AS_NAMED)
    task = one.task.model_copy(update={"store": StoreRef(uri="az://films")})  # no account is named
    pipelines = FilePipelines([one, one.model_copy(update={"name": "other", "task": task})], OpenStores({}))
    first, second = pipelines.rows()
    assert (first.name, first.state) == ("hostile", "complete")
    assert (second.name, second.state) == ("other", "unreadable")
    assert "AZURE_STORAGE_ACCOUNT" in second.note


@pytest.mark.parametrize("package", ["fastapi", "jinja2", "uvicorn"])
def test_without_its_packages_the_extra_is_named(package: str, tmp_path: Path) -> None:
    program = f"import sys; sys.modules['{package}'] = None; from reelmill.cli import main; main()"
    command = [sys.executable, "-c", program, "dashboard", "--store", str(tmp_path)]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 2
    assert f"the dashboard needs the package {package}" in told.stderr
    assert "reelmill-stages[dashboard]" in told.stderr


def test_two_dashboards_do_not_write_to_one_scratch_folder(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        told = reelmill("dashboard", "--store", str(tmp_path), "--scratch", str(tmp_path))
    assert told.code == 2
    assert "another dashboard uses this scratch folder" in told.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--store", "nothing-here"], "there is no such folder"),
        (["nothing.yaml"], "no such file"),
        (["--store", "ftp://x"], "unknown scheme"),
        (["--store", ".", "-n", "x"], "requires the pipelines of a cluster"),
        (["--store", ".", "-A"], "requires the pipelines of a cluster"),
        (["--endpoint", "http://localhost:9000"], "requires --store"),
        (["--store", ".", "--root-path", "x"], "does not begin with /"),
        (["--store", ".", "--host", "not-a-host.invalid"], "cannot listen there"),
        (["--store", ".", "--host", "a" * 80], "cannot listen there"),
        (["--store", ".", "--trusted-proxy", "10.0.0.1/8"], "has host bits set"),
    ],
)
def test_a_mistake_of_the_command_line_is_said_in_one_line(words: list[str], said: str) -> None:
    told = reelmill("dashboard", *words)
    assert told.code == 2
    assert said in told.err


def test_a_run_that_is_at_work_shows_its_shards(tmp_path: Path) -> None:
    """A pass that was opened, and of which one shard is committed."""
    shop = Workshop(tmp_path, name="busy")
    shop.film("a.mp4", "b.mp4", of=film())
    shop.files()
    shop.stages = [{"name": "clips", "clip": {"by": "length", "length": "1s"}, "shards": 2}]
    shop.run()
    (segment,) = (tmp_path / "store/clips").rglob("segment.json")
    segment.unlink()
    for name in ("stage.json", "latest.json"):
        for path in (tmp_path / "store/clips").rglob(name):
            path.unlink()
    with page(tmp_path / "scratch", file=shop.file) as client:
        view = json.loads(client.get("/api/v1/pipelines/default/busy").text)
        clips = next(row for row in view["stages"] if row["name"] == "clips")
        assert clips["state"] == "working"
        strip = client.get("/api/v1/pipelines/default/busy/stages/clips/shards").json()
        assert (strip["is_open"], strip["shards"]) == (True, clips["pass"]["shards"])
        (row,) = client.get("/api/v1/pipelines").json()["rows"]
        assert row["state"] in ("working", "stopped")
        assert row["shards"] == clips["pass"]["shards"]


def test_the_report_of_a_run_is_shown_and_runs_nothing(tmp_path: Path) -> None:
    written = Written(tmp_path)
    written.segment([{"v": 1}])
    with page(tmp_path / "none", store=str(tmp_path / "store")) as client:
        assert "Report" not in client.get("/pipelines/-/unclaimed").text
        assert client.get("/pipelines/-/unclaimed/report").status_code == 404
    key = f"{written.names.segment(1).internal}/reports/0123456789abcdef.html"
    written.store.write(key, b"<h1>What ran</h1><script>alert(1)</script>")
    with page(tmp_path / "scratch", store=str(tmp_path / "store")) as client:
        assert 'href="/pipelines/-/unclaimed/report"' in client.get("/pipelines/-/unclaimed").text
        answer = client.get("/pipelines/-/unclaimed/report")
        assert answer.text.startswith("<h1>What ran")
        assert "sandbox" in answer.headers["content-security-policy"]
        assert "script-src" not in answer.headers["content-security-policy"]

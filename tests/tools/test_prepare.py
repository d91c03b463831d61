"""Tools are made before tests: in order, in parallel, with progress. A failure affects only dependent tools."""

from collections.abc import Mapping
from pathlib import Path

import pytest

import tiers
from tools.__main__ import run
from tools.catalogue import catalogue, needed
from tools.fake_tools import Bench, console, meeting
from tools.prepare import missing, prepare
from tools.progress import LOG_SECONDS, Progress, duration
from tools.tool import Lane, Tool

TIERS = (*tiers.TIERS, "models", "trainers")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def by_name(*tools: Tool) -> Mapping[str, Tool]:
    return {tool.name: tool for tool in tools}


def made(*tools: Tool) -> dict[str, str]:
    return prepare(tools, Progress(len(tools), console()[0]))


def test_a_tool_is_made_after_what_it_needs_wherever_that_is_made(bench: Bench) -> None:
    made(
        bench.tool("compiler"),
        bench.tool("packages", lane=Lane.COMPILE),
        bench.tool("program", "compiler", "packages", lane=Lane.COMPILE),
        bench.tool("image", "program"),
    )
    order = {name: bench.made.index(name) for name in bench.made}
    assert order["program"] > max(order["compiler"], order["packages"])
    assert order["image"] > order["program"]


def test_what_is_downloaded_and_what_is_compiled_is_made_at_the_same_time(bench: Bench) -> None:
    both = meeting()
    assert not made(bench.tool("wheel", during=both), bench.tool("program", lane=Lane.COMPILE, during=both))


def test_an_unavailable_tool_affects_only_those_that_need_it(bench: Bench) -> None:
    problems = made(
        bench.tool("packages", fails="not Debian"),
        bench.tool("base", "packages"),
        bench.tool("image", "base"),
        bench.tool("other"),
    )
    assert problems == {"packages": "not Debian", "base": "needs packages", "image": "needs base"}
    assert bench.made == ["packages", "other"]


def test_a_maker_that_breaks_or_makes_nothing_is_reported_like_any_other(bench: Bench) -> None:
    def breaks() -> None:
        raise OSError("No space left on device")

    whole = bench.tool("nothing")
    nothing = Tool("nothing", Lane.DOWNLOAD, whole.find, lambda: None)
    problems = made(bench.tool("broken", during=breaks), nothing, bench.tool("other"))
    assert problems == {"broken": "OSError: No space left on device", "nothing": "nothing is missing"}
    assert bench.made == ["other"]


def test_only_what_is_missing_is_made_and_a_compiler_only_for_what_is_missing(bench: Bench) -> None:
    tools = by_name(bench.tool("compiler"), bench.tool("a", "compiler"), bench.tool("b", "compiler"), bench.tool("c"))
    (bench.folder / "a").touch()
    assert not missing(tools, ["a"])
    assert [tool.name for tool in missing(tools, ["b", "a"])] == ["compiler", "b"]


def test_complete_tools_are_reported_in_one_line(bench: Bench) -> None:
    (bench.folder / "a").touch()
    where, shown = console()
    assert run(by_name(bench.tool("a")), {"unit": (), "store": ("a",)}, ["store"], where) == 0
    assert shown.getvalue() == "prepared: everything that unit, store needs is there\n"


@pytest.mark.parametrize(("required", "status"), [("store", 0), ("nodes", 1)])
def test_a_tier_that_cannot_be_prepared_fails_only_where_it_is_required(
    bench: Bench, required: str, status: int
) -> None:
    where, shown = console()
    tools = by_name(bench.tool("packages", fails="nodes need root"), bench.tool("server"))
    assert run(tools, {"store": ("server",), "nodes": ("packages",)}, [required], where) == status
    assert "nodes: this machine has no packages" in shown.getvalue()
    assert "packages: nodes need root\n" in shown.getvalue()
    assert "store: " not in shown.getvalue()
    assert bench.made == ["packages", "server"]


def test_a_log_reports_starts_ends_and_occasional_progress() -> None:
    now = 0.0
    where, shown = console()
    with Progress(2, where, lambda: now) as progress:
        progress.begin("helm")
        progress.tick()
        now = LOG_SECONDS + 41
        progress.tick()
        progress.tick()
        progress.end("helm", "")
        progress.begin("torch")
        progress.end("torch", "no network")
    assert shown.getvalue().splitlines() == [
        "[0/2] helm …",
        "[0/2] 1 min 11 s so far; at work: helm (1 min 11 s)",
        "[1/2] helm: ready after 1 min 11 s",
        "[1/2] torch …",
        "[2/2] torch: not available after 0 s: no network",
    ]


def test_a_terminal_shows_progress_in_one_changing_line() -> None:
    where, shown = console(terminal=True)
    with Progress(3, where, lambda: 0.0) as progress:
        progress.begin("helm")
        progress.tick()
    assert "[0/3] 0 s so far; at work: helm (0 s)" in shown.getvalue()
    assert "\r" in shown.getvalue()


@pytest.mark.parametrize(("seconds", "words"), [(0.4, "0 s"), (41, "41 s"), (192, "3 min 12 s"), (3725, "1 h 2 min")])
def test_durations_are_shown_in_two_units(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_every_tier_names_tools_that_there_are_and_none_stands_before_what_it_needs() -> None:
    tools = catalogue()
    assert not {name for tier in TIERS for name in needed(tier, {})} - set(tools)
    place = {name: number for number, name in enumerate(tools)}
    assert not [(name, need) for name in tools for need in tools[name].needs if place[need] >= place[name]]


def test_a_cluster_of_somebody_elses_needs_no_programs_of_our_own() -> None:
    assert needed("nodes", {"REELMILL_KUBECONFIG": "/there"}) == ("kubectl", "helm")
    assert "MinIO" in needed("store", {"REELMILL_KUBECONFIG": "/there"})

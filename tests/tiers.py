"""Report of the tiers of the test suite that ran; a required tier that could not run is a failure.

A test belongs to the tier of its marker, or to `unit`, which should take less than a minute: tests that need no server
but start processes, run whole pipelines or take long also have the marker `store`. A tier that needs a server skips
tests if the server cannot be started. With `REELMILL_REQUIRE=unit,store`, a required tier must run, and no test of a
tier that needs servers may be skipped. `REELMILL_TIERS=control-plane,nodes` (`make test TIERS=…`) runs and requires
only these tiers. Tests with the markers `web` and `gpu` are separate tiers, which are optional.
"""

import os
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

TIER = "tier"
"""Name of the property with a report's tier."""

TIERS = ("unit", "store", "web", "control-plane", "nodes", "gpu")


def tier(item: pytest.Item) -> str:
    """The tier of a test: its marker, with a dash, or `unit`; of several, the most demanding one."""
    return next((name for name in reversed(TIERS) if item.get_closest_marker(name.replace("-", "_"))), "unit")


_MARKERS = "|".join(name.replace("-", "_") for name in TIERS[1:])
_OF_A_FILE = re.compile(rf"^pytestmark = \[?\s*pytest\.mark\.(?:{_MARKERS})\b", re.MULTILINE)


def has_tests_of(path: Path, tiers: Iterable[str]) -> bool:
    """Whether a file may have tests of these tiers, by its text: importing it would take longer.

    If a file has a marker as a whole, its tests belong to that tier, or to a more demanding one that it also names.
    """
    text = path.read_text(encoding="utf-8")
    return not _OF_A_FILE.search(text) or any(f"mark.{name.replace('-', '_')}" in text for name in tiers)


class Tiers:
    """Counts outcomes per tier and closes the session with one line about them."""

    def __init__(self, required: str, chosen: str) -> None:
        self.required = _names("REELMILL_REQUIRE", required)
        self.chosen = _names("REELMILL_TIERS", chosen) or list(TIERS)
        self.counts: Counter[tuple[str, str]] = Counter()
        self.reasons: dict[str, str] = {}

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        is_test = collection_path.name.startswith("test_") and collection_path.suffix == ".py"
        return True if is_test and not has_tests_of(collection_path, self.chosen) else None

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        for item in items:
            # Stored in reports, because with pytest-xdist they come from other processes than the one that counts.
            item.user_properties.append((TIER, tier(item)))
        if others := [item for item in items if tier(item) not in self.chosen]:
            config.hook.pytest_deselected(items=others)
            items[:] = [item for item in items if tier(item) in self.chosen]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            name = dict(report.user_properties).get(TIER, "unit")
            self.counts[name, report.outcome] += 1
            if report.skipped and isinstance(report.longrepr, tuple):
                self.reasons.setdefault(name, report.longrepr[2].removeprefix("Skipped: "))

    def ran(self, name: str) -> int:
        return self.counts[name, "passed"] + self.counts[name, "failed"]

    def missing(self) -> list[str]:
        """Required tiers of this session that did not run, or not completely."""
        return [
            name
            for name in self.required
            if name in self.chosen and (not self.ran(name) or (name != "unit" and self.counts[name, "skipped"]))
        ]

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        at_work = hasattr(session.config, "workerinput")
        fine = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
        if fine and not at_work and self.missing():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def line(self) -> str:
        """`tiers: unit 412 passed; store 96 passed, 12 skipped (no Go here)`."""
        parts = []
        for name in TIERS:
            said = [f"{count} {word}" for word in ("passed", "failed", "skipped") if (count := self.counts[name, word])]
            why = f" ({self.reasons[name]})" if name in self.reasons else ""
            if said:
                parts.append(f"{name} {', '.join(said)}{why}")
        return "tiers: " + ("; ".join(parts) or "none ran")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.write_line(self.line())
        for name in self.missing():
            terminalreporter.write_line(
                f"tier {name} is required (REELMILL_REQUIRE) but did not run completely", red=True
            )


def pytest_configure(config: pytest.Config) -> None:
    """Registered by tests/conftest.py."""
    chosen = Tiers(os.environ.get("REELMILL_REQUIRE", ""), os.environ.get("REELMILL_TIERS", ""))
    config.pluginmanager.register(chosen, "reelmill-tiers")


def _names(variable: str, text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if unknown := sorted(set(names) - set(TIERS)):
        raise pytest.UsageError(f"{variable}: no tier is called {unknown[0]}; there are {', '.join(TIERS)}")
    return names

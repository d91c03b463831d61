"""The suite says which tiers ran, and a required tier that did not run is a failure."""

import pytest

from repo.tree import ROOT

pytest_plugins = ["pytester"]

SUITE = """\
import pytest

def test_pure(): pass

@pytest.mark.store
def test_with_a_server(): pass

@pytest.mark.store
def test_without(): {body}
"""


class Suite:
    """A small suite with the plugin, run in this process, or by several workers."""

    def __init__(self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        self._pytester, self._environment = pytester, monkeypatch
        pytester.makeini(f"[pytest]\npythonpath = {ROOT / 'tests'}\nmarkers = store: x\n")

    def __call__(
        self, *, require: str = "", tiers: str = "", body: str = "pass", select: str = "", workers: int = 0
    ) -> tuple[int, str]:
        """Exit status and output."""
        self._pytester.makepyfile(test_small=SUITE.format(body=body))
        self._environment.setenv("REELMILL_REQUIRE", require)
        self._environment.setenv("REELMILL_TIERS", tiers)
        self._environment.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        words = ["-q", "-p", "tiers", *(["-m", select] if select else [])]
        if workers:
            done = self._pytester.runpytest_subprocess(*words, "-p", "xdist", "-n", str(workers))
        else:
            done = self._pytester.runpytest_inprocess(*words)
        return int(done.ret), str(done.stdout)


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Suite:
    return Suite(pytester, monkeypatch)


def test_one_line_before_the_last_says_what_ran(suite: Suite) -> None:
    code, out = suite(require="unit,store")
    *_, tiers, last = out.splitlines()
    assert (code, tiers) == (0, "tiers: unit 1 passed; store 2 passed")
    assert last.startswith("3 passed")


@pytest.mark.store
def test_tiers_are_counted_over_all_processes(suite: Suite) -> None:
    code, out = suite(require="unit,store", body="pytest.skip('no server here')", workers=2)
    assert (code, "tiers: unit 1 passed; store 1 passed, 1 skipped (no server here)" in out) == (1, True)
    assert out.count("tier store is required") == 1


@pytest.mark.parametrize("require", ["", "unit"])
def test_a_tier_that_cannot_run_is_skipped_with_its_reason(suite: Suite, require: str) -> None:
    code, out = suite(require=require, body="pytest.skip('no server here')")
    assert code == 0
    assert "tiers: unit 1 passed; store 1 passed, 1 skipped (no server here)" in out


def test_a_required_tier_that_cannot_run_is_a_failure(suite: Suite) -> None:
    code, out = suite(require="store", body="pytest.skip('no server here')")
    assert (code, "tier store is required" in out) == (1, True)
    for select in ("not store", "nothing"):
        code, out = suite(require="unit,store", select=select)
        assert (code, "tier store is required" in out) == (1, True)


def test_a_required_tier_is_left_to_the_session_that_was_asked_to_run_it(suite: Suite) -> None:
    code, out = suite(require="unit,store", tiers="unit")
    assert (code, "tiers: unit 1 passed" in out, "store" in out) == (0, True, False)


def test_an_unknown_tier_is_a_mistake(suite: Suite) -> None:
    assert suite(require="untit")[0] == 4


@pytest.mark.parametrize(
    ("marker", "more", "tiers", "imported"),
    [
        ("pytest.mark.store", "", "unit", False),
        ("[\n    pytest.mark.store,\n]", "", "unit", False),
        ("pytest.mark.store", "", "unit,store", True),
        ("pytest.mark.store", "", "", True),
        ("pytest.mark.store", "@pytest.mark.gpu", "gpu", True),
        ("pytest.mark.skipif(False, reason='no')", "", "unit", True),
    ],
)
def test_a_file_is_imported_if_it_may_have_tests_of_the_tiers_that_run(
    marker: str, more: str, tiers: str, imported: bool, suite: Suite, pytester: pytest.Pytester
) -> None:
    text = f"import pytest\npytestmark = {marker}\nopen('imported', 'w').close()\n{more}\ndef test_one(): pass\n"
    pytester.makepyfile(test_other=text)
    suite(tiers=tiers)
    assert (pytester.path / "imported").exists() == imported

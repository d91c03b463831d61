"""A file of tests that leaves a thread or a process behind fails; what its session started may stay."""

import pytest

import leftovers
from repo.tree import ROOT

pytest_plugins = ["pytester"]

SUITE = """\
import atexit, subprocess, threading, time
import pytest
import host

stop = threading.Event()
atexit.register(stop.set)

def thread():
    threading.Thread(target=stop.wait, name="of a test", daemon=True).start()

def process():
    child = subprocess.Popen(["sleep", "600"])
    atexit.register(lambda: (child.kill(), child.wait()))

def waiting():
    child = subprocess.Popen(["true"])
    atexit.register(child.wait)
    while host.running(child.pid):
        time.sleep(0.01)

def soon():
    threading.Thread(target=time.sleep, args=(0.3,)).start()

@pytest.fixture(scope="session")
def server():
    thread()
    process()

@pytest.fixture
def nothing():
    pass

def test_one({fixture}): {body}

def test_other(): pass
"""


@pytest.fixture
def suite_folder(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeini(f"[pytest]\npythonpath = {ROOT / 'tests'}\n")
    return pytester


def run(pytester: pytest.Pytester, body: str, fixture: str = "nothing", patience: float = 0.2) -> tuple[int, str]:
    """Exit status and output."""
    pytester.makeconftest(f"import leftovers\nleftovers.PATIENCE = {patience}\n")
    pytester.makepyfile(test_small=SUITE.format(body=body, fixture=fixture))
    done = pytester.runpytest_subprocess("-q", "-p", "leftovers")
    return int(done.ret), str(done.stdout)


@pytest.mark.store
def test_a_file_that_leaves_something_fails_with_the_names(suite_folder: pytest.Pytester) -> None:
    status, said = run(suite_folder, "(thread(), process(), waiting())")
    assert (status, "2 passed, 1 error" in said) == (1, True), said
    assert "still there after the last test of the file" in said
    for told in ("thread of a test", "(sleep 600)", "nobody waited for it"):
        assert told in said


@pytest.mark.store
def test_what_ends_soon_or_belongs_to_the_session_is_no_failure(suite_folder: pytest.Pytester) -> None:
    status, said = run(suite_folder, "soon()", "server", leftovers.PATIENCE)
    assert (status, "2 passed" in said) == (0, True), said


def test_the_law_holds_for_this_suite(request: pytest.FixtureRequest) -> None:
    assert "nothing_is_left" in request.fixturenames
    assert request.config.pluginmanager.hasplugin(leftovers.__name__)

"""A module that a pipeline names is imported only if its source declares the name; finding out runs nothing."""

import importlib.metadata
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelmill.contract.errors import SpecError
from reelmill.contract.spec.stages.pack import PackBlock
from reelmill_stages.registry import own_code
from reelmill_stages.sources.captions import caption_set
from reelmill_stages.stages.pack.samplers import load as load_sampler
from reelmill_stages.user_code import load

TRACED = "with open({trace!r}, 'a') as trace:\n    trace.write(__name__ + ' ')\nThing = 1\n"
"""A module that tells that it was executed."""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on Python's path."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def refusal(path: str, kind: str = "stage") -> SpecError:
    with pytest.raises(SpecError) as caught:
        load(path, kind)
    assert caught.value.where == path
    assert caught.value.hint
    return caught.value


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    "name", ["this:x", "antigravity:fly", "os:system", "os.path:join", "cProfile:run", "builtins:eval"]
)
def test_nothing_of_the_standard_library_is_imported(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    before = set(sys.modules)
    assert "standard library" in refusal(name).what
    assert set(sys.modules) == before
    assert capfd.readouterr().out == ""


@pytest.mark.store
@pytest.mark.parametrize("distribution", ["pyyaml", "numpy", "pillow", "pytest", "hypothesis"])
def test_no_installed_package_is_taken_for_code_of_the_users(distribution: str) -> None:
    for file in importlib.metadata.files(distribution) or ():
        if file.suffix == ".py" and not any(part.startswith(("__", "-", ".")) or "-" in part for part in file.parts):
            module = ".".join(file.with_suffix("").parts)
            before = set(sys.modules)
            assert refusal(f"{module}:load").what
            assert set(sys.modules) == before


def test_the_refusal_says_which_line_to_add_and_with_it_the_module_is_taken(path: Path) -> None:
    put(path / "mine.py", "Thing = 5\n")
    wrong = refusal("mine:Thing")
    assert str(path / "mine.py") in wrong.what
    line = wrong.hint.partition("add the line ")[2].partition(" to it")[0]
    put(path / "mine.py", f"Thing = 5\n{line}\n")
    assert load("mine:Thing", "stage") == 5


@pytest.mark.parametrize(
    ("declaration", "said"),
    [
        ("", "does not declare itself"),
        ("if True:\n    __reelmill__ = ['Thing']", "does not declare itself"),
        ("def declare():\n    __reelmill__ = ['Thing']", "does not declare itself"),
        ("# __reelmill__ = ['Thing']", "does not declare itself"),
        ("__reelmill__: list", "does not declare itself"),
        ("__reelmill__ = []", "declares nothing"),
        ("__reelmill__ = ['Other', 'More']", "declares Other, More"),
        ("__reelmill__ = ['Thing']\n__reelmill__ = []", "declares nothing"),
        ("__reelmill__ = 'Thing'", "not a plain list"),
        ("__reelmill__ = [*__import__('os').environ]", "not a plain list"),
        ("__reelmill__ = {'Thing'}", "not a plain list"),
        ("__reelmill__ = ['Thing']\nclass Broken: def", "SyntaxError"),
        ("__reelmill__ = ['Thing']\0", "cannot be read as Python"),
        ("__reelmill__ = " + "(" * 100_000, "cannot be read"),
    ],
)
def test_what_declares_nothing_is_not_executed(path: Path, declaration: str, said: str) -> None:
    trace = path / "trace"
    put(path / "mine.py", TRACED.format(trace=str(trace)) + declaration + "\n")
    assert said in refusal("mine:Thing").what
    assert not trace.exists()


@pytest.mark.parametrize(
    "declaration",
    ["__reelmill__ = ['Thing']", "__reelmill__ = ('Thing', 'More')", "__reelmill__: list[str] = ['Thing']"],
)
def test_a_list_or_tuple_of_names_declares(path: Path, declaration: str) -> None:
    put(path / "mine.py", f"Thing = 5\n{declaration}\n")
    assert load("mine:Thing", "stage") == 5


NAMES = st.sampled_from(["alpha", "beta", "gamma"])
LAYERS = st.lists(st.sampled_from(["package", "namespace"]), max_size=3)


@given(layers=LAYERS, name=NAMES, last=st.sampled_from(["module", "package", "zip"]), declared=st.booleans())
def test_only_the_packages_above_a_declared_module_are_executed(
    layers: list[str], name: str, last: str, declared: bool
) -> None:
    """Without a declaration nothing runs; with it the module does, and the packages around it."""
    with tempfile.TemporaryDirectory() as temporary:
        root, trace = Path(temporary) / "root", Path(temporary) / "trace"
        code = TRACED.format(trace=str(trace))
        parts = [f"layer{number}" for number in range(len(layers))]
        for number, layer in enumerate(layers):
            folder = root.joinpath(*parts[: number + 1])
            folder.mkdir(parents=True)
            if layer == "package":
                put(folder / "__init__.py", code)
            put(folder / "beside.py", code)
        line = "__reelmill__ = ['Thing']\n" if declared else ""
        file = root.joinpath(*parts, name, "__init__.py") if last == "package" else root.joinpath(*parts, f"{name}.py")
        put(file, code + line)
        entry = root
        if last == "zip":
            entry = Path(temporary) / "code.zip"
            with zipfile.ZipFile(entry, "w") as archive:
                for made in sorted(root.rglob("*")):
                    archive.write(made, made.relative_to(root))
        module = ".".join([*parts, name])
        before = set(sys.modules)
        sys.path.insert(0, str(entry))
        try:
            if declared:
                assert load(f"{module}:Thing", "stage") == 1
                around = [".".join(parts[: number + 1]) for number, layer in enumerate(layers) if layer == "package"]
                assert trace.read_text().split() == [*around, module]
            else:
                refusal(f"{module}:Thing")
                assert not trace.exists()
                assert set(sys.modules) == before
        finally:
            sys.path.remove(str(entry))
            sys.path_importer_cache.pop(str(entry), None)
            for made in set(sys.modules) - before:
                del sys.modules[made]


def test_a_module_without_source_is_declared_by_one_that_has_one(path: Path) -> None:
    assert "no Python source" in refusal("numpy._core._multiarray_umath:array").what
    put(path / "mine.py", "from numpy import array\n__reelmill__ = ['array']\n")
    assert list(load("mine:array", "adapter")([1])) == [1]


@pytest.mark.parametrize(
    "name",
    [
        "mine.nothing:Thing",
        "nothing:Thing",
        "mine..x:Thing",
        "mine.:Thing",
        "mine.a.b:Thing",
        "reelmill_stages.nothing:Thing",
    ],
)
def test_a_missing_module_is_reported_as_missing(path: Path, name: str) -> None:
    put(path / "mine.py", "__reelmill__ = ['Thing']\n")
    wrong = refusal(name)
    assert "was not found" in wrong.what
    assert "PYTHONPATH" in wrong.hint


def test_a_user_module_named_like_one_of_pythons_is_refused_with_a_hint_to_rename_it(path: Path) -> None:
    put(path / "queue.py", "__reelmill__ = ['Thing']\n")
    assert "must be renamed" in refusal("queue:Thing").hint


@pytest.mark.parametrize("name", ["this:x", "cProfile:run", "yaml:load", "nowhere:Thing"])
def test_samplers_and_adapters_are_held_to_the_same(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SpecError, match="sampler"):
        load_sampler(PackBlock(sampler=name))
    with pytest.raises(SpecError, match="adapter"):
        caption_set(name)
    assert capfd.readouterr().out == ""


NO_SAMPLER = """
__reelmill__ = ["Thing", "word"]
word = "x"

class Thing:
    made = []

    def __init__(self, block):
        self.made.append(block)
"""


def test_what_is_declared_must_still_be_what_it_is_named_for(path: Path) -> None:
    put(path / "mine.py", NO_SAMPLER)
    with pytest.raises(SpecError, match="not a sampler"):
        load_sampler(PackBlock(sampler="mine:Thing"))
    assert sys.modules["mine"].Thing.made == []
    with pytest.raises(SpecError, match="not a function"):
        caption_set("mine:word")


@pytest.mark.parametrize(
    ("type_", "params", "code"),
    [
        ("run", {"entrypoint": "facts:Facts"}, "facts:Facts"),
        ("captions", {"dataset": "mine:read"}, "mine:read"),
        ("captions", {"dataset": "webvid"}, ""),
        ("clip", {}, ""),
        ("table", {"uri": "a:b"}, ""),
        ("toys:Toy", {}, "toys:Toy"),
    ],
)
def test_what_a_block_would_import_is_known_without_importing_it(
    type_: str, params: dict[str, object], code: str
) -> None:
    assert own_code(type_, params) == code

"""What users may import: declared, documented, cheap to import, and all that docs and samples use."""

import ast
import re
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

import api_pages
from repo.pages import blocks
from repo.tree import ROOT, imports, modules

README = (ROOT / "docs/api/README.md").read_text()
LISTED = re.findall(r"^\| \[`([\w.]+)`\]\(([\w.]+)\.md\) \|", README, re.MULTILINE)
GUIDES = [path for path in (ROOT / "docs").rglob("*.md") if "adr" not in path.parts and path.name != "architecture.md"]
PAGES = [*GUIDES, ROOT / "README.md"]
NAMED = {
    "reelmill.samplers": "a group of entry points",
    "reelmill.controller.rbac": "where the operator's rights are declared, for an auditor",
    "reelmill_stages.stages.grid.live": "a program that is started with `python -m`",
}
"""What docs name that is nothing to import."""


@pytest.mark.parametrize("module", api_pages.PUBLIC)
def test_a_page_of_the_api_is_fresh(module: str) -> None:
    assert (api_pages.FOLDER / f"{module}.md").read_text() == api_pages.page(module), "run make generate"


def test_the_index_of_the_api_lists_every_public_module_and_no_page_is_left_over() -> None:
    assert [module for module, _ in LISTED] == [page for _, page in LISTED] == list(api_pages.PUBLIC)
    assert {path.stem for path in api_pages.FOLDER.glob("*.md")} == {*api_pages.PUBLIC, "README"}


@pytest.mark.parametrize("module", api_pages.PUBLIC)
def test_every_public_name_is_there_and_is_what_its_page_describes(module: str) -> None:
    found = import_module(module)
    assert len(found.__all__) == len(set(found.__all__))
    assert list(api_pages.exported(module)) == found.__all__
    for name, described in api_pages.exported(module).items():
        home, _, original = described.path.rpartition(".")
        if module != "reelmill_stages.datasets" or find_spec("torch"):
            assert getattr(found, name) is getattr(import_module(home), original), name


@pytest.mark.parametrize("module", api_pages.PUBLIC)
def test_everything_public_has_a_docstring(module: str) -> None:
    assert list(api_pages.undocumented(module)) == []


@pytest.mark.parametrize("module", api_pages.PUBLIC)
def test_a_name_that_is_not_there_is_an_attribute_error(module: str) -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing_like_this'"):
        import_module(module).nothing_like_this  # noqa: B018


def test_importing_the_packages_imports_nothing_else() -> None:
    program = (
        "import sys, reelmill, reelmill_stages, reelmill_stages.datasets\n"
        "import reelmill_stages.media, reelmill_stages.plugins\n"
        "heavy = {'numpy', 'av', 'minio', 'torch', 'pydantic', 'yaml'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_docs_and_samples_import_public_modules_only() -> None:
    sources = {page.name: "\n".join(blocks(str(page.relative_to(ROOT)), "python")) for page in PAGES}
    sources |= {path.name: path.read_text() for path in (ROOT / "manifests/samples").rglob("*.py")}
    wrong = {
        (name, f"{node.module}.{alias.name}")
        for name, source in sources.items()
        if not name.startswith("reelmill")
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("reelmill")
        for alias in node.names
        if node.module not in api_pages.PUBLIC or alias.name not in _names(str(node.module))
    }
    assert not wrong


def test_every_dotted_path_that_docs_name_is_public() -> None:
    public = {*api_pages.PUBLIC, *(f"{module}.{name}" for module in api_pages.PUBLIC for name in _names(module))}
    pages = [page for page in PAGES if page.parent != api_pages.FOLDER]
    named = {
        path for page in pages for path in re.findall(r"\breelmill(?:_stages)?(?:\.(?!md\b)\w+)+", page.read_text())
    }
    assert {path for path in named if not path.startswith("reelmill.dev")} - public == set(NAMED)


def test_both_distributions_are_typed_and_say_what_is_private() -> None:
    for package in ("reelmill", "reelmill_stages"):
        found = import_module(package)
        assert (Path(found.__file__ or "").parent / "py.typed").is_file()
        assert "All other modules are private" in (found.__doc__ or "")


def test_our_own_modules_do_not_import_modules_that_are_only_for_users() -> None:
    facades = {"reelmill.spec", "reelmill_stages.plugins"}
    assert not {name for name, path in modules() if facades & imports(path)}


def _names(module: str) -> list[str]:
    names: list[str] = import_module(module).__all__
    return names

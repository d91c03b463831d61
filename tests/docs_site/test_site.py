"""The documentation site is built without a warning; its pages refer to each other and to no other host."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from docs_site.__main__ import ROOT, environment

pytestmark = pytest.mark.store  # needs no server, but MkDocs


class Parsed(HTMLParser):
    """The ids of a page, where its links lead, and the files that it loads."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids.add(given.get("id", ""))
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag in ("script", "img", "iframe"):
            self.loaded.append(given.get("src", ""))
        if tag == "link" and given.get("rel") != "canonical":
            self.loaded.append(given.get("href", ""))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    built = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Parsed]:
    return {path: Parsed(path) for path in site.rglob("*.html") if path.name != "404.html"}


def test_every_link_inside_the_site_leads_to_a_page_and_a_heading(site: Path, pages: dict[Path, Parsed]) -> None:
    broken = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            if target not in pages or (parts.fragment and unquote(parts.fragment) not in pages[target].ids):
                broken.append((str(path.relative_to(site)), link))
    assert not broken


def test_every_document_is_a_page_and_can_be_searched(site: Path) -> None:
    found = {
        entry["location"].partition("#")[0]
        for entry in json.loads((site / "search/search_index.json").read_text())["docs"]
    }
    documents = {path.relative_to(ROOT / "docs").with_suffix("") for path in (ROOT / "docs").rglob("*.md")}
    wanted = {f"{path.parent if path.name == 'README' else path}/" for path in documents}
    assert wanted <= found


def test_a_page_loads_nothing_from_another_host(pages: dict[Path, Parsed]) -> None:
    assert not {name for page in pages.values() for name in page.loaded if re.match(r"(https?:)?//", name)}


def test_a_published_version_lies_beside_the_others_and_the_latest_one_is_shown_first(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", "--depth", "1", ROOT.as_uri(), str(clone)], check=True)
    identity = {f"GIT_{who}_{what}": "a@b.example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    chosen = {**environment(), **identity, "PYTHONPATH": str(clone / "tests")}
    command = [sys.executable, "-m", "docs_site", "publish", "9.8.7"]
    done = subprocess.run(command, cwd=clone, env=chosen, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

    def published(name: str) -> str:
        return subprocess.run(["git", "show", f"gh-pages:{name}"], cwd=clone, capture_output=True, text=True).stdout

    assert json.loads(published("versions.json")) == [{"version": "9.8.7", "title": "9.8.7", "aliases": ["latest"]}]
    assert "url=latest/" in published("index.html")
    assert '"provider": "mike"' in published("9.8.7/index.html")

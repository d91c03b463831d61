"""What MkDocs is told about this repository: README.md is the first page and its list of documents the navigation.

Documents outside docs/ that the list or a page refers to become pages. Other files of the repository are links only if
REELMILL_REPOSITORY is the address of its files (`https://host/owner/name/blob/main`); otherwise, their paths are text.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from posixpath import dirname, normpath, relpath
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
ELSEWHERE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
    "charts/reelmill/README.md": "chart.md",
    "manifests/README.md": "manifests.md",
    "images/README.md": "images.md",
}
"""Documents outside docs/ -> their names in the site."""
_SECTION = re.compile(r"^([A-Z][\w ]+):\n\n((?:- .*\n(?:  .*\n)*)+)", re.MULTILINE)
_ENTRY = re.compile(r"^- \[([^\]]+)\]\(([^)]+)\)(?:.*?, (?:and|with) \[([^\]]+)\]\(([^)]+)\))?", re.MULTILINE)
_LINK = re.compile(r"(!?)\[([^\]]+)\]\(([^)\s]+)\)")
_FENCE = re.compile(r"(^```.*?^```|`[^`\n]+`)", re.MULTILINE | re.DOTALL)
_MERMAID = "assets/mermaid.min.js"


def on_config(config: Any) -> Any:
    """The navigation, and the script for diagrams."""
    listed = (ROOT / "README.md").read_text().partition("\n## Documentation\n")[2]
    config.nav = [{"Home": "index.md"}, *_sections(listed)]
    config.nav.append({"Releases": ["changelog.md", "security.md"]})
    if os.environ.get("REELMILL_MERMAID"):
        config.extra_javascript.append(_MERMAID)
    return config


def on_files(files: Files, config: Any) -> Files:
    """Adds the documents of other folders."""
    for path, name in ELSEWHERE.items():
        files.append(File.generated(config, name, content=(ROOT / path).read_text()))
    if script := os.environ.get("REELMILL_MERMAID"):
        files.append(File.generated(config, _MERMAID, content=Path(script).read_bytes()))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Links to files of the repository lead to their pages, to the repository, or are text; images lie in docs/."""
    sources = {name: path for path, name in ELSEWHERE.items()}
    place = sources.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    parts = _FENCE.split(markdown)
    return "".join(part if number % 2 else _linked(part, place, page.file.src_uri) for number, part in enumerate(parts))


def _sections(listed: str) -> Iterator[dict[str, Any]]:
    for title, entries in _SECTION.findall(listed):
        pages: list[Any] = []
        for names in _ENTRY.findall(entries):
            for text, target in zip(names[::2], names[1::2], strict=True):
                if target:
                    pages.append(_entry(text, target))
        yield {title: pages}


def _entry(text: str, target: str) -> dict[str, Any]:
    """A page, or, for a folder of docs/ or the README of one, the group of its pages, the README first."""
    if target.startswith("docs/") and target.endswith(("/", "/README.md")):
        folder = target.removesuffix("README.md").removeprefix("docs/")
        pages = sorted(f"{folder}{path.name}" for path in (ROOT / "docs" / folder).glob("*.md"))
        return {text: sorted(pages, key=lambda page: not page.endswith("README.md"))}
    return {text: _page(target) or target}


def _linked(text: str, place: str, source: str) -> str:
    def changed(match: re.Match[str]) -> str:
        image, title, target = match.groups()
        if "://" in target or target.startswith(("#", "mailto:")):
            return match[0]
        path, _, anchor = target.partition("#")
        there = normpath(f"{dirname(place)}/{path}").lstrip("/")
        page = there.removeprefix("docs/") if image else _page(there)
        if page is None:
            repository = os.environ.get("REELMILL_REPOSITORY", "")
            return f"[{title}]({repository}/{there})" if repository else title
        here = dirname(source) or "."
        return f"{image}[{title}]({relpath(page, here)}{f'#{anchor}' if anchor else ''})"

    return _LINK.sub(changed, text)


def _page(path: str) -> str | None:
    """The page of a file of the repository; None if it has none."""
    if path in ELSEWHERE:
        return ELSEWHERE[path]
    if not path.startswith("docs/"):
        return None
    if (ROOT / path).is_dir():
        path = f"{path}/README.md"
    return path.removeprefix("docs/") if path.endswith(".md") else None

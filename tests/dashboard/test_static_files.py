"""What is shipped: htmx as it was published, and templates that the content security policy allows."""

import hashlib
import re
from importlib.resources import files

import pytest

WEB = files("reelmill_stages.dashboard.web")
TEMPLATES = sorted(each.name for each in WEB.joinpath("templates").iterdir())


def test_htmx_is_the_version_that_the_readme_says_with_its_licence() -> None:
    static = WEB.joinpath("static")
    readme = static.joinpath("README.md").read_text()
    assert f"`{hashlib.sha256(static.joinpath('htmx.min.js').read_bytes()).hexdigest()}`" in readme
    version = re.search(r"htmx ([0-9.]+) ", readme)
    assert version
    assert f'version:"{version[1]}"' in static.joinpath("htmx.min.js").read_text()
    assert "Zero-Clause BSD" in static.joinpath("htmx.LICENSE").read_text()


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_template_turns_escaping_off_or_has_inline_code(name: str) -> None:
    text = WEB.joinpath("templates", name).read_text()
    assert not re.search(r"\|\s*safe\b|autoescape|<style|\sstyle=|\son[a-z]+=|javascript:|hx-on|hx-vals=.js:", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", text)


@pytest.mark.parametrize("name", ["page.css", "page.js"])
def test_nothing_is_loaded_from_elsewhere(name: str) -> None:
    assert not re.search(r"https?://|@import|url\(", WEB.joinpath("static", name).read_text())

"""What the pages show is what happens: examples run, links lead somewhere, commands exist."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import footage
from cli.terminal import reelmill
from reelmill.contract.records.rows import Item, Media
from reelmill_stages.stage import Input, Signed, StageBlock

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*/README.md")]


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_link_leads_to_a_file(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", ["README.md", "docs/quickstart.md", "docs/gpus.md", "docs/first-pipeline-on-kind.md"])
def test_a_pipeline_that_a_page_shows_is_valid(page: str, tmp_path: Path) -> None:
    whole = [block for block in blocks(page, "yaml") if block.startswith("apiVersion")]
    assert whole
    for block in whole:
        (tmp_path / "pipeline.yaml").write_text(block)
        said = reelmill("validate", tmp_path / "pipeline.yaml")
        assert said.code == 0, said.err


def test_every_command_that_a_page_names_exists() -> None:
    commands = set(re.findall(r"^## reelmill ([\w-]+)", (ROOT / "docs/cli.md").read_text(), re.MULTILINE))
    for page in PAGES:
        if page.name == "errors.md":  # messages, of which some begin with the name
            continue
        named = set(re.findall(r"(?:`|\$ |bin/|kubectl )reelmill (\w[\w-]*)", page.read_text()))
        assert named <= commands, page


def test_every_command_has_its_section() -> None:
    listed = re.findall(r"^  ([a-z][\w-]+)  ", reelmill("--help").out.partition("Options:")[2], re.MULTILINE)
    sections = re.findall(r"^## reelmill ([\w-]+)", (ROOT / "docs/cli.md").read_text(), re.MULTILINE)
    assert listed == sections


def test_the_stage_that_a_page_writes_works(tmp_path: Path) -> None:
    space: dict[str, Any] = {}
    code, _ = blocks("docs/writing-a-stage.md", "python")
    exec(code, space)
    stage = space["Facts"](space["FactsBlock"]())
    work = SimpleNamespace(scratch=tmp_path, fetch=lambda media: Path(media.uri))
    results = []
    for width in (128, 32):
        video = footage.video(seconds=0.4, size=(width, 32), audio=False)
        item = Item("a", 0, "a", 0.4, media=Media(str(video), video.stat().st_size))
        results += stage.process([Input(item, 7)], work)
    assert [file.name for file in results[0].items[0].files] == ["facts/000007.json"]
    assert (tmp_path / "7.json").read_text() == '{"width": 128, "height": 32}'
    assert results[1].reason == "too_small"


def test_the_stage_that_decides_on_a_page_keeps_one_item_of_each_title(tmp_path: Path) -> None:
    space: dict[str, Any] = {}
    _, code = blocks("docs/writing-a-stage.md", "python")
    exec(code, space)
    stage = space["OncePerTitle"](StageBlock())
    titles = {"a": "one", "b": "two", "c": "one", "d": "two", "e": "three"}
    inputs = [
        Input(Item(key, number, key, 1.0, fields={"title": title}), number)
        for number, (key, title) in enumerate(titles.items())
    ]
    kept: list[Signed] = []

    def find(values: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        terms, _ = stage.terms([one.data for one in kept]) if kept else (np.zeros(0, np.uint64), None)
        return tuple(np.nonzero(values[:, None] == terms[None]))  # type: ignore[return-value]

    dropped = {}
    for given, result in zip(inputs, stage.process(inputs, SimpleNamespace()), strict=True):
        signed = Signed(given.item.key, result.signature.data)
        (verdict,) = stage.decide([signed], SimpleNamespace(find=find, get=kept.__getitem__))
        if verdict is None:
            kept.append(signed)
        else:
            dropped[signed.key] = (verdict.reason, verdict.message)
    assert [one.key for one in kept] == ["a", "b", "e"]
    assert dropped == {"c": ("same_title", "as a"), "d": ("same_title", "as b")}

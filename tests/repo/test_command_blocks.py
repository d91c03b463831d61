"""Every block of commands on every page is run by a test, or says what it needs."""

from pathlib import Path

import pytest

from repo.command_blocks import NEEDS, PAGES, RUN_BY, CommandBlock, command_blocks
from repo.tree import ROOT

BLOCKS: list[CommandBlock] = [block for page in PAGES for block in command_blocks(page)]


@pytest.mark.parametrize("text", ["```\n$ reelmill run x\n```\n", "```\nhelm test x\n```\n", "```bash\n:\n```\n"])
def test_a_block_of_commands_is_found_in_any_form(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("repo.command_blocks.ROOT", tmp_path)
    (tmp_path / "page.md").write_text("words\n\n" + text)
    assert [str(block) for block in command_blocks(tmp_path / "page.md")] == ["page.md:3"]


def test_blocks_of_commands_have_a_language_that_says_so() -> None:
    assert len(BLOCKS) > 60
    assert [str(block) for block in BLOCKS if block.language not in ("sh", "console")] == []


def test_each_is_run_by_a_test_or_says_what_it_needs() -> None:
    assert [str(block) for block in BLOCKS if block.title and block.title not in NEEDS] == []
    run: dict[str, list[str]] = {}
    for block in BLOCKS:
        if not block.title:
            run.setdefault(block.page, []).append(block.first)
    assert run == {page: first_commands for page, (_, first_commands) in RUN_BY.items()}


@pytest.mark.parametrize("page", RUN_BY)
def test_a_test_that_runs_a_page_reads_it(page: str) -> None:
    assert page in (ROOT / RUN_BY[page][0]).read_text()

"""Blocks of commands on the pages: where each is, what it needs, and who runs those that need nothing."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from repo.tree import ROOT, files

PAGES = sorted(path for path in files() if path.suffix == ".md")
NEEDS = (
    "In your own cluster",
    "With your own account",
    "With the files of a release",
    "In a checkout (takes minutes)",
)
"""What readers see above a block that no test runs as it stands."""
RUN_BY = {
    "README.md": "tests/e2e/test_pages.py",
    "docs/quickstart.md": "tests/e2e/test_pages.py",
    "docs/curation.md": "tests/e2e/test_commands_of_pages.py",
    "docs/dashboard.md": "tests/e2e/test_commands_of_pages.py",
    "docs/install.md": "tests/e2e/test_commands_of_pages.py",
    "docs/run-report.md": "tests/e2e/test_commands_of_pages.py",
    "docs/support-bundle.md": "tests/e2e/test_commands_of_pages.py",
    "docs/traces.md": "tests/e2e/test_commands_of_pages.py",
    "docs/writing-a-stage.md": "tests/e2e/test_commands_of_pages.py",
    "docs/dataset-card.md": "tests/dataset_card/test_docs.py",
    "docs/first-pipeline-on-kind.md": "tests/nodes/test_first_pipeline_page.py",
    "docs/how-to.md": "tests/cli/test_how_to.py",
    "docs/lineage.md": "tests/cli/test_lineage.py",
    "docs/systems/chunking.md": "tests/with_torch/chunks/test_chunk_training.py",
    "docs/systems/clip4mc.md": "tests/with_torch/clip4mc/test_clip4mc_page.py",
    "docs/systems/grids.md": "tests/with_torch/grid/test_coco_grids.py",
    "docs/systems/lips.md": "tests/with_torch/embed/test_lip_run.py",
    "docs/systems/packing.md": "tests/with_torch/tokens/test_packing_page.py",
}
"""Page -> the test that runs its blocks without a title."""
_SHELLS = ("sh", "bash", "shell", "console")
_COMMAND = re.compile(
    r"^\s*(\$ \S|(\S+/)?(reelmill|kubectl|helm|make|pip|python3?|docker|kind|curl|aws|cosign|export|mkdir|cp) )",
    re.MULTILINE,
)
_BLOCK = re.compile(r"^ *```(\w*)(?: title=\"([^\"]*)\")?[^\n]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class CommandBlock:
    """A block that is a person's to type. `language` may be empty; `title` says what it needs."""

    page: str
    line: int
    language: str
    title: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def command_blocks(page: Path) -> Iterator[CommandBlock]:
    """Blocks in a language of shells, and those without a language that look like commands."""
    text = page.read_text()
    for found in _BLOCK.finditer(text):
        language, title, code = found.groups()
        if language in _SHELLS or (not language and _COMMAND.search(code)):
            line = text.count("\n", 0, found.start()) + 1
            yield CommandBlock(str(page.relative_to(ROOT)), line, language, title or "")

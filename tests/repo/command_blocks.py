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
RUN_BY: dict[str, tuple[str, list[str]]] = {
    "README.md": ("tests/e2e/test_pages.py", [".venv/bin/reelmill init pipeline.yaml"]),
    "docs/quickstart.md": (
        "tests/e2e/test_pages.py",
        [
            "make demo",
            "reelmill validate pipeline.yaml",
            "reelmill plan pipeline.yaml",
            "reelmill run pipeline.yaml",
            "cp ../demo/videos/carphone_distorted.mp4 videos",
            "sed -i.bak 's/count: 4/count: 8/' pipeline.yaml",
            "reelmill run pipeline.yaml",
            "reelmill prune pipeline.yaml",
            "reelmill export pipeline.yaml pictures out",
            "reelmill freeze pipeline.yaml v1 --stage pictures",
            "reelmill export pipeline.yaml pictures pictures-v1 --state v1",
        ],
    ),
    "docs/curation.md": (
        "tests/e2e/test_commands_of_pages.py",
        [
            "reelmill ledger pipeline.yaml --stage keep --outcome filtered",
            "reelmill tune pipeline.yaml --stage keep --report report/",
            "reelmill funnel pipeline.yaml",
        ],
    ),
    "docs/dashboard.md": (
        "tests/e2e/test_commands_of_pages.py",
        ["reelmill dashboard pipeline.yaml", "curl -s 'http://localhost:8787/api/v1/pipelines?state=failed'"],
    ),
    "docs/install.md": (
        "tests/e2e/test_commands_of_pages.py",
        [
            "reelmill status pipeline.yaml --metrics > films.prom",
            "reelmill run pipeline.yaml --openlineage events.jsonl",
        ],
    ),
    "docs/run-report.md": ("tests/e2e/test_commands_of_pages.py", ["reelmill report pipeline.yaml -o report.html"]),
    "docs/support-bundle.md": ("tests/e2e/test_commands_of_pages.py", ["reelmill support-bundle pipeline.yaml"]),
    "docs/traces.md": (
        "tests/e2e/test_commands_of_pages.py",
        ["OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 reelmill run pipeline.yaml"],
    ),
    "docs/writing-a-stage.md": (
        "tests/e2e/test_commands_of_pages.py",
        ["PYTHONPATH=manifests/samples/run .venv/bin/reelmill run pipeline.yaml"],
    ),
    "docs/dataset-card.md": (
        "tests/dataset_card/test_docs.py",
        ["reelmill export pipeline.yaml clips exported", "reelmill card pipeline.yaml keep card"],
    ),
    "docs/first-pipeline-on-kind.md": (
        "tests/nodes/test_first_pipeline_page.py",
        [
            "helm install reelmill charts/reelmill --namespace reelmill-system --create-namespace --wait",
            "kubectl create namespace video",
            "export AWS_ACCESS_KEY_ID=me AWS_SECRET_ACCESS_KEY=secret",
            "aws --endpoint-url http://localhost:9000 s3 mb s3://raw",
            "kubectl config set-context --current --namespace=video",
            "kubectl reelmill ledger first --endpoint http://localhost:9000",
            "kubectl delete vp first",
        ],
    ),
    "docs/how-to.md": (
        "tests/cli/test_how_to.py",
        [
            "reelmill ledger NAME",
            "reelmill status NAME -o wide",
            "reelmill report NAME -o report.html",
            "reelmill trace NAME ITEM",
            "reelmill why NAME",
        ],
    ),
    "docs/lineage.md": (
        "tests/cli/test_lineage.py",
        [
            "reelmill trace pipeline.yaml a.mp4@1.000-2.000 --stage clips",
            "reelmill trace pipeline.yaml a.mp4 --limit 0",
            "reelmill trace pipeline.yaml a.mp4 --output json",
            "reelmill lineage pipeline.yaml tars --to lineage.parquet",
            "reelmill card pipeline.yaml clips card",
            "reelmill rebuild card --sample a.mp4@1.000-2.000 --to again",
            "reelmill forget pipeline.yaml b.mp4",
            "reelmill check pipeline.yaml --forgotten",
            "reelmill forget pipeline.yaml sunset --release",
            "reelmill forget pipeline.yaml --continue --yes",
            "reelmill forget pipeline.yaml --release",
        ],
    ),
    "docs/systems/chunking.md": ("tests/with_torch/chunks/test_chunk_training.py", ["reelmill plan driving.yaml"]),
    "docs/systems/clip4mc.md": ("tests/with_torch/clip4mc/test_clip4mc_page.py", ["reelmill plan clip4mc.yaml"]),
    "docs/systems/grids.md": ("tests/with_torch/grid/test_coco_grids.py", ["reelmill plan grids.yaml"]),
    "docs/systems/lips.md": ("tests/with_torch/embed/test_lip_run.py", ["reelmill validate lips.yaml"]),
    "docs/systems/packing.md": ("tests/with_torch/tokens/test_packing_page.py", ["reelmill plan packing.yaml"]),
}
"""Page -> the test that runs its blocks without a title, and the first command of each block, in order."""
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
    first: str
    """Its first command, without a prompt, a comment or a continuation."""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def command_blocks(page: Path) -> Iterator[CommandBlock]:
    """Blocks in a language of shells, and those without a language that look like commands."""
    text = page.read_text()
    for found in _BLOCK.finditer(text):
        language, title, code = found.groups()
        if language in _SHELLS or (not language and _COMMAND.search(code)):
            line = text.count("\n", 0, found.start()) + 1
            yield CommandBlock(str(page.relative_to(ROOT)), line, language, title or "", _first_command(code))


def _first_command(code: str) -> str:
    line = code.strip().partition("\n")[0].removeprefix("$ ").partition(" #")[0]
    return line.strip().removesuffix("\\").strip()

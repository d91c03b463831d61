"""Generator of the table of stages in docs/architecture.md, from the docstrings of their packages (`make generate`)."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/architecture.md"
SOURCE = ROOT / "stages/src"
_TABLE = re.compile(r"(<!-- generated: stages -->\n).*?(<!-- /generated -->)", re.DOTALL)


def page() -> str:
    """The page with its table for the current packages."""
    packages = sorted(path.parent for path in (SOURCE / "reelmill_stages/stages").rglob("*/__init__.py"))
    table = "| folder | what it holds |\n| --- | --- |\n" + "".join(map(_row, packages))
    return _TABLE.sub(lambda found: f"{found[1]}\n{table}\n{found[2]}", PAGE.read_text())


def _row(package: Path) -> str:
    said = ast.get_docstring(ast.parse((package / "__init__.py").read_text())) or ""
    first = " ".join(said.partition("\n\n")[0].split()).removesuffix(".")
    return f"| `{package.relative_to(SOURCE).as_posix()}` | {first.replace('|', chr(92) + '|')} |\n"


if __name__ == "__main__":
    PAGE.write_text(page())

"""Write the generated files below the current folder: `make generate`."""

import json
from pathlib import Path
from typing import Any

import yaml

from reelmill.schema import crd, editor, reasons, reference

NOTE = "# Generated from the models by `make generate`: do not edit.\n"


def rendered() -> dict[str, str]:
    """Path in the repository -> text."""
    definition = NOTE + yaml.safe_dump(_tree(crd()), sort_keys=False, width=120)
    return {
        "manifests/crd/videopipelines.yaml": definition,
        # A packaged chart can contain only files in its folder.
        "charts/reelmill/files/videopipelines.yaml": definition,
        "manifests/schema/videopipeline.json": json.dumps(editor(), indent=2) + "\n",
        "docs/reference.md": reference(),
        "docs/reasons.md": reasons.page(),
    }


def _tree(value: dict[str, Any]) -> Any:
    """A copy without shared objects, which YAML would write as anchors."""
    return json.loads(json.dumps(value))


def main() -> None:
    """Write every file that is out of date."""
    pages = {name: reasons.filled(Path(name).read_text()) for name in reasons.PAGES if Path(name).exists()}
    for name, text in (rendered() | pages).items():
        path = Path(name)
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            print(f"wrote {name}")  # noqa: T201 - output of a generator


if __name__ == "__main__":
    main()

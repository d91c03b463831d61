"""`reelmill schema`: print the JSON Schema for editors or the CustomResourceDefinition."""

import json
from enum import StrEnum
from typing import Annotated

import typer
import yaml

from reelmill.schema import crd, editor


class Kind(StrEnum):
    """Kinds of schema."""

    EDITOR = "editor"
    CRD = "crd"


def schema(
    kind: Annotated[
        Kind, typer.Argument(help="editor: JSON Schema of pipeline files; crd: CustomResourceDefinition.")
    ] = Kind.EDITOR,
) -> None:
    """Print the JSON Schema for editors, or the CRD."""
    if kind is Kind.EDITOR:
        print(json.dumps(editor(), indent=2))
    else:
        print(yaml.safe_dump(json.loads(json.dumps(crd())), sort_keys=False, width=120), end="")

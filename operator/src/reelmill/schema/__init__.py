"""Generators of the CRD, the editor schema and the field reference from the models in `reelmill.contract.spec`.

`python -m reelmill.schema` writes the files; a test verifies that they are up to date.
"""

from reelmill.schema.crd import crd
from reelmill.schema.editor import editor
from reelmill.schema.reference import reference

__all__ = ["crd", "editor", "reference"]

"""The models of the resource, said in other languages: CRD, editor schema, field reference.

Everything here is a pure function of the models in `reelmill.contract.spec`; `python -m reelmill.schema` writes the
files, and a test fails when they differ from what the models say.
"""

from reelmill.schema.crd import crd
from reelmill.schema.editor import editor
from reelmill.schema.reference import reference

__all__ = ["crd", "editor", "reference"]

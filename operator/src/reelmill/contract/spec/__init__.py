"""The VideoPipeline resource as pydantic models: the only truth about its fields.

One file per block under `sources/` and `stages/`; `pipeline.py` puts them together. The CRD, the editor schema, the
field reference and the command line's validation are made from these models.
"""

from reelmill.contract.spec.pipeline import Metadata, Source, Spec, Stage, VideoPipeline

__all__ = ["Metadata", "Source", "Spec", "Stage", "VideoPipeline"]

"""The models of the `VideoPipeline` resource, for programs that read, write or validate pipelines.

    import yaml
    from reelmill.spec import VideoPipeline

    pipeline = VideoPipeline.model_validate(yaml.safe_load(text))

The models are immutable pydantic models. A field is written `min_width` in Python and `minWidth` in a pipeline.
`model_dump(mode="json", exclude_defaults=True)` returns a model as in a pipeline file. The
[field reference](../reference.md) has the type, bounds and default of every field. Validation raises
`pydantic.ValidationError`; rules between entries, such as names in `from`, are checked by `reelmill validate`.

The block of a stage or source is given as a mapping, as in a pipeline: `StageSpec.model_validate({"name": "clips",
"clip": {"by": "metadata"}})`.
"""

from reelmill.contract.spec.block import SourceBlock, StageBlock
from reelmill.contract.spec.failures import Failures, RetryItems
from reelmill.contract.spec.file import FileRef
from reelmill.contract.spec.pipeline import (
    Metadata,
    PipelineLimits,
    Queue,
    SourceSpec,
    Spec,
    StageSpec,
    Ttl,
    VideoPipeline,
)
from reelmill.contract.spec.placement import (
    Control,
    EnvVar,
    GpuRequest,
    Placement,
    ResourceClaim,
    Resources,
    Toleration,
)
from reelmill.contract.spec.s3 import S3, SecretRef, StoreSpec

__all__ = [
    "S3",
    "Control",
    "EnvVar",
    "Failures",
    "FileRef",
    "GpuRequest",
    "Metadata",
    "PipelineLimits",
    "Placement",
    "Queue",
    "ResourceClaim",
    "Resources",
    "RetryItems",
    "SecretRef",
    "SourceBlock",
    "SourceSpec",
    "Spec",
    "StageBlock",
    "StageSpec",
    "StoreSpec",
    "Toleration",
    "Ttl",
    "VideoPipeline",
]

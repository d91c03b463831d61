"""Placement and resources of pods, as a few typed fields instead of a pod template."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from reelmill.contract.gpus import nvdec
from reelmill.contract.spec.field_types import Quantity, Text
from reelmill.contract.spec.s3 import SecretRef
from reelmill.contract.spec.spec_model import SpecModel

Labels = Annotated[dict[str, Text], Field(max_length=32)]


class Resources(SpecModel):
    """CPU and memory of a pod. The memory limit defaults to the request; the CPU has no limit by default."""

    requests: Annotated[dict[str, Quantity], Field(max_length=8)] = Field(default_factory=dict)
    limits: Annotated[dict[str, Quantity], Field(max_length=8)] = Field(default_factory=dict)
    memory_max: Quantity | None = Field(None, exclude_if=lambda value: value is None)
    """Maximum memory of pods. After pods were killed for lack of memory, the next attempt at their shards gets twice as
    much, up to this limit. If absent, every attempt gets the same."""


class Toleration(SpecModel):
    """A toleration, as in the spec of a pod."""

    key: Text | None = None
    operator: Literal["Exists", "Equal"] | None = None
    value: Text | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    toleration_seconds: int | None = None


class EnvVar(SpecModel):
    """An environment variable of the stage's container, with a value or from a key of a Secret. Names that reelmill
    sets itself are refused: `REELMILL_…`, `JOB_COMPLETION_INDEX`, `TMPDIR`, `PYTHONSAFEPATH`, and those of keys that
    come from a `secretRef`.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=128)]
    value: Annotated[str, Field(max_length=1024)] | None = None
    secret_ref: SecretRef | None = None
    key: Text | None = None
    """Key in the Secret. If absent, the name of the variable."""


class GpuRequest(SpecModel):
    """GPUs of a stage's pods, translated to resource limits, required node affinity and tolerations."""

    count: Annotated[int, Field(ge=1, le=16)] = 1
    """Number of GPUs per pod."""
    resource: Text = "nvidia.com/gpu"
    """Extended resource; for a MIG slice, for example, `nvidia.com/mig-1g.10gb`."""
    products: Annotated[list[Text], Field(max_length=32)] = Field(default_factory=list)
    """Accepted values of the node label `nvidia.com/gpu.product`. If empty, any."""
    min_memory: Quantity | None = None
    """Minimum memory per GPU, compared with the node label `nvidia.com/gpu.memory`."""
    decodes: Annotated[list[Annotated[Text, AfterValidator(nvdec.known_codec)]], Field(max_length=16)] = Field(
        default_factory=list, exclude_if=lambda codecs: not codecs
    )
    """Codecs that the GPU's decoder must have, such as `av1`. See docs/gpus.md."""
    spot: bool = False
    """Tolerate the taints of spot and preemptible nodes."""

    @model_validator(mode="after")
    def _can_decode(self) -> Self:
        for product in self.products if self.decodes else ():
            found = nvdec.of_product(product)
            if found is not None and not found.decodes(self.decodes):
                lacking = ", ".join(codec for codec in self.decodes if not found.decodes([codec]))
                raise ValueError(
                    f"{product} has no decoder for {lacking}: remove it from products, or the codec from decodes"
                )
        return self


class ResourceClaim(SpecModel):
    """A resource claim (DRA), as in `resourceClaims` of a pod."""

    name: Text
    resource_claim_name: Text | None = None
    resource_claim_template_name: Text | None = None


class Placement(SpecModel):
    """Image, placement and resources of a stage's pods."""

    image: Text | None = None
    """Container image of the stage's pods. If absent, the image configured in the operator."""
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = None
    image_pull_secrets: Annotated[list[SecretRef], Field(max_length=8)] = Field(default_factory=list)
    node_selector: Labels = Field(default_factory=dict)
    tolerations: Annotated[list[Toleration], Field(max_length=16)] = Field(default_factory=list)
    affinity: dict[str, Any] | None = None
    """Node and pod affinity, as in Kubernetes."""
    priority_class_name: Text | None = None
    runtime_class_name: Text | None = None
    service_account_name: Text | None = None
    env: Annotated[list[EnvVar], Field(max_length=64)] = Field(default_factory=list)
    resources: Resources | None = None
    scratch: Quantity | None = None
    """Size limit of the pod's scratch folder. If absent, there is no limit."""
    gpu: GpuRequest | None = None
    resource_claims: Annotated[list[ResourceClaim], Field(max_length=8)] = Field(default_factory=list)


class Control(SpecModel):
    """Placement and resources of survey, open and commit pods, which never use a GPU."""

    resources: Resources = Resources(requests={"cpu": "500m", "memory": "512Mi"})
    node_selector: Labels = Field(default_factory=dict)
    tolerations: Annotated[list[Toleration], Field(max_length=16)] = Field(default_factory=list)

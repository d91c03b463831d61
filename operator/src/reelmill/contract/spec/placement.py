"""Where and with what pods run: a few typed fields instead of a pod template."""

from typing import Annotated, Any, Literal

from pydantic import Field

from reelmill.contract.model import Model
from reelmill.contract.spec.names import Quantity, Text
from reelmill.contract.spec.s3 import SecretRef

Labels = Annotated[dict[str, Text], Field(max_length=32)]


class Resources(Model):
    """CPU and memory of a pod. Limits default to the requests for memory and to none for CPU."""

    requests: Annotated[dict[str, Quantity], Field(max_length=8)] = Field(default_factory=dict)
    limits: Annotated[dict[str, Quantity], Field(max_length=8)] = Field(default_factory=dict)


class Toleration(Model):
    """A taint that the pod tolerates, as in Kubernetes."""

    key: Text | None = None
    operator: Literal["Exists", "Equal"] | None = None
    value: Text | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    toleration_seconds: int | None = None


class EnvVar(Model):
    """An environment variable of the stage's container: a value, or a key of a Secret. Names that reelmill sets itself
    are refused: `REELMILL_…`, `JOB_COMPLETION_INDEX`, `TMPDIR`, `PYTHONSAFEPATH`, and those of keys that come from a
    `secretRef`.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=128)]
    value: Annotated[str, Field(max_length=1024)] | None = None
    secret_ref: SecretRef | None = None
    key: Text | None = None
    """Key in the Secret; absent: the variable's name."""


class GpuRequest(Model):
    """GPUs of a stage's pods: becomes limits, required node affinity and tolerations."""

    count: Annotated[int, Field(ge=1, le=16)] = 1
    """GPUs per pod."""
    resource: Text = "nvidia.com/gpu"
    """Extended resource; a MIG slice is `nvidia.com/mig-1g.10gb`."""
    products: Annotated[list[Text], Field(max_length=32)] = Field(default_factory=list)
    """Accepted values of the node label `nvidia.com/gpu.product`; empty: any."""
    min_memory: Quantity | None = None
    """Least memory per GPU, by the node label `nvidia.com/gpu.memory`."""
    spot: bool = False
    """Tolerate the usual spot and preemptible taints."""


class ResourceClaim(Model):
    """A claim for a device (DRA), as in a pod's `resourceClaims`."""

    name: Text
    resource_claim_name: Text | None = None
    resource_claim_template_name: Text | None = None


class Placement(Model):
    """Everything that says where a stage's pods run. `spec.defaults` is every stage's starting point."""

    image: Text | None = None
    """Image of the stage's pods; absent: the one that the operator was installed with."""
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
    """Size limit of the pod's scratch folder; absent: no limit."""
    gpu: GpuRequest | None = None
    resource_claims: Annotated[list[ResourceClaim], Field(max_length=8)] = Field(default_factory=list)


class Control(Model):
    """The survey, open and commit pods: small, and never on a GPU."""

    resources: Resources = Resources(requests={"cpu": "500m", "memory": "512Mi"})
    node_selector: Labels = Field(default_factory=dict)
    tolerations: Annotated[list[Toleration], Field(max_length=16)] = Field(default_factory=list)

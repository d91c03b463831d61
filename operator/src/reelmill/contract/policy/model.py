"""Model of the administrator's policy: the images, Secrets, accounts, nodes and amounts that pipelines may request.

A field that is absent restricts nothing, and an empty list allows nothing. The chart's values, the operator's setting
`REELMILL_POLICY` (JSON) and the ConfigMap of the admission policy are forms of this model.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from reelmill.contract.model import Model
from reelmill.contract.spec.field_types import Quantity

Pattern = Annotated[str, Field(pattern=r"^[A-Za-z0-9._/:@*-]+$", max_length=256)]
"""A whole name, in which `*` stands for any characters except `/`, and `**` for any characters."""

Patterns = Annotated[list[Pattern], Field(max_length=256)]
Values = Annotated[list[Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$", max_length=63)]], Field(min_length=1)]
LabelName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._/-]+$", max_length=317)]
ResourceName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._/-]+$", max_length=317)]

PlacementField = Literal[
    "affinity", "env", "gpu", "imagePullPolicy", "imagePullSecrets", "nodeSelector", "resourceClaims", "tolerations"
]
"""Fields of a stage's placement that a policy can refuse entirely."""


class Policy(Model):
    """What pipelines may request. A field that is absent restricts nothing; an empty list allows nothing. In patterns,
    `*` stands for any characters except `/`, and `**` for any characters.
    """

    model_config = ConfigDict(**{**Model.model_config, "use_attribute_docstrings": True})

    allowed_images: Patterns | None = None
    """Patterns of images (`image`, `run.image`). A stage that names none gets the operator's images,
    which are always allowed."""
    allowed_service_accounts: Patterns | None = None
    """Patterns of `serviceAccountName`. The account that a pipeline gets without naming one is always allowed."""
    allowed_secrets: Patterns | None = None
    """Patterns of the names of Secrets that a pipeline may use: in `env`, for the store and the sources, and to pull
    images."""
    allowed_servers: Patterns | None = None
    """Patterns of the servers that pods reach, as `scheme://host:port` without a path: those of the store, of every URI
    of a source or parameter, of models, and `privateServers` and `allowedHosts` (as `https://host`) of web sources.
    Without an endpoint, `s3://` counts as `https://s3.amazonaws.com`, `gs://` as `https://storage.googleapis.com`,
    `hf://` as `https://huggingface.co`, and `az://` as `https://*.blob.core.windows.net`, which stands for every
    account."""
    allowed_variables: Patterns | None = None
    """Patterns of the names of variables in `env`. If absent while `allowedImages` or `allowedServers` is given, none:
    variables such as `PYTHONPATH` and `HTTPS_PROXY` choose code and servers."""
    allowed_priority_classes: Patterns | None = None
    """Patterns of `priorityClassName`, of stages and of `verify`."""
    allowed_runtime_classes: Patterns | None = None
    """Patterns of `runtimeClassName`."""
    allowed_tolerations: Patterns | None = None
    """Patterns of the keys of taints that pods may tolerate. A toleration of every taint needs the pattern `**`. The
    tolerations that `gpu` implies are always allowed."""
    allowed_queues: Patterns | None = None
    """Patterns of `queue.name`. If given, a pipeline must name a queue, unless `**` is among them."""
    allowed_nodes: Annotated[dict[LabelName, Values], Field(max_length=16)] | None = None
    """Labels of nodes and their allowed values. All pods get a required node affinity with these values, and a
    `nodeSelector` with another value is refused."""
    refused_fields: Annotated[list[PlacementField], Field(max_length=8)] = Field(default_factory=list)
    """Fields of `defaults`, `control` and stages that pipelines may not set."""
    max_resources: Annotated[dict[ResourceName, Quantity], Field(max_length=16)] | None = None
    """Maximum of each named resource of a pod, of requests and limits. `ephemeral-storage` also bounds `scratch`. Pods
    without a limit of `memory` or without `scratch` get the maximum as their limit."""
    max_parallelism: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Maximum `parallelism` of a stage."""
    max_pods: Annotated[int, Field(ge=1, le=320_000)] | None = None
    """Maximum sum of `parallelism` over the stages of a pipeline."""
    max_shards: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Maximum `shards` of a stage; `auto` counts as 2000."""

    @property
    def restricts(self) -> bool:
        """Whether any field is given."""
        return self != OPEN

    @property
    def variables(self) -> list[str] | None:
        """The patterns of variables in effect; None: any variable is allowed."""
        if self.allowed_variables is None and not (self.allowed_images is None and self.allowed_servers is None):
            return []
        return self.allowed_variables


OPEN = Policy()
"""The default policy, which restricts nothing."""


def expression(patterns: Sequence[str]) -> str:
    """A regular expression for whole names, in the syntax that Python and the API server (RE2) share."""
    return f"^(?:{'|'.join(map(_expression, patterns))})$"


def matches(patterns: Sequence[str], name: str) -> bool:
    """Whether one of the patterns matches the name."""
    return any(re.fullmatch(_expression(pattern), name) for pattern in patterns)


def _expression(pattern: str) -> str:
    parts = pattern.replace(".", r"\.").split("**")
    return ".*".join(part.replace("*", "[^/]*") for part in parts)

"""The operator's settings, read once from the environment into a frozen model.

A variable is named `REELMILL_` and the field's name in capitals; an empty one counts as unset. Other variables are
ignored: Kubernetes adds variables with such names to pods (service links), so no field may end in `_port` or
`_service_host`.
"""

import json
import socket
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from reelmill.contract.errors import SpecError
from reelmill.contract.policy.model import OPEN, Policy
from reelmill.contract.spending import Prices
from reelmill.contract.text.urls import without_secrets
from reelmill.plan import settings as plan

PREFIX = "REELMILL_"
NAMESPACE_FILE = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"


StringMap = dict[str, str]


def _split_words(value: object) -> object:
    return tuple(word for part in value.split(",") if (word := part.strip())) if isinstance(value, str) else value


def _parsed_json(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise ValueError(f"it is not JSON: {error}") from error


def _own_namespace() -> str:
    """The namespace of this pod, if the process runs in one."""
    try:
        return Path(NAMESPACE_FILE).read_text().strip() or "default"
    except OSError:
        return "default"


class OperatorSettings(BaseSettings):
    """The operator's settings. Whatever is not given comes from the environment."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        str_strip_whitespace=True,
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
    )

    namespaces: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split_words)] = ()
    """Namespaces that are served, comma-separated; empty: all of them."""
    own_namespace: str = Field(default_factory=_own_namespace)
    """Namespace of the operator and of its Lease."""
    stages_image: str = "reelmill-stages"
    """Image of stage pods if the resource names none."""
    embed_image: str = "reelmill-stages:embed"
    """Image of stages that run a model (embed, grid), which includes torch."""
    stages_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    stages_service_account: str = ""
    """Service account of stage pods if the resource names none; empty: the namespace's default."""
    stages_grace_seconds: Annotated[int, Field(ge=0, le=3600)] = 60
    """From SIGTERM to SIGKILL of a stage pod: time to write a checkpoint."""
    whole_items: Annotated[int, Field(ge=0, le=1_000_000)] = 1000
    """Maximum number of input items of a pass of one shard that a single pod does as a whole; 0: every step has its own
    pod."""
    whole_seconds: Annotated[float, Field(ge=0)] = 7200.0
    """The same limit in seconds of video."""
    whole_bytes: Annotated[int, Field(ge=0)] = 16 * 2**30
    """The same limit in bytes, for items that are weighed by size."""
    run_reports: bool = True
    """Whether the step that ends a run writes a report to the store."""
    openlineage: str = ""
    """Server for OpenLineage events, such as `http://marquez:5000`, or path of a file for them; empty: none."""
    openlineage_namespace: str = "reelmill"
    """Namespace of the jobs in these events."""
    prices: Annotated[Prices, NoDecode, BeforeValidator(_parsed_json)] = Prices()
    """Prices of an hour of a pod, as JSON: for the cost in the status, and for `spec.limits.cost`."""
    stages_pod_labels: Annotated[StringMap, NoDecode, BeforeValidator(_parsed_json)] = Field(default_factory=dict)
    """Labels of stage pods and their Jobs, as JSON; labels of reelmill take precedence."""
    stages_pod_annotations: Annotated[StringMap, NoDecode, BeforeValidator(_parsed_json)] = Field(default_factory=dict)
    """Annotations of stage pods, as JSON."""
    stages_scheduler_name: str = ""
    """Scheduler of stage pods; empty: the cluster's, or that of the queue."""
    stages_queue_system: plan.QueueSystem = plan.QueueSystem.KUEUE
    """The kind of queue that `queue.name` of a pipeline refers to."""
    policy: Annotated[Policy, NoDecode, BeforeValidator(_parsed_json)] = OPEN
    """What pipelines may request, as JSON; absent: anything that the API server accepts."""
    traces_endpoint: Annotated[str, Field(json_schema_extra={"pattern": r"^(https?://\S+)?$"})] = ""
    """Base address of a collector of traces by OTLP over HTTP, such as `http://otel-collector:4318`; empty: that of
    OpenTelemetry's own variables, or none."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    workers: Annotated[int, Field(ge=1, le=256)] = 16
    """Maximum number of pipelines that are planned and written at the same time; fewer while the API server is slow."""
    write_rate: Annotated[float, Field(gt=0, le=10_000)] = 50.0
    """Writes to the API server per second, in the long run."""
    write_burst: Annotated[int, Field(ge=1, le=100_000)] = 100
    """Writes allowed in a burst."""
    resync_seconds: Annotated[float, Field(ge=1, le=86_400)] = 600.0
    """Interval of full lists, varied by up to a tenth."""
    progress_seconds: Annotated[float, Field(ge=0, le=3600)] = 10.0
    """Minimum time between two writes of a status in which only counts changed."""
    listen: str = "0.0.0.0:8080"
    """Address of `/metrics`, `/healthz` and `/readyz`; empty: none."""
    leader_election: bool = False
    """Elect a leader: of several replicas, only the holder of the Lease acts."""
    lease_name: str = "reelmill-operator"
    lease_seconds: Annotated[float, Field(ge=1, le=3600)] = 15.0
    """Time after its last renewal until a Lease expires."""
    identity: str = Field(default_factory=socket.gethostname)
    """Identity of this replica in the Lease and in events."""

    @property
    def planning(self) -> plan.PlannerSettings:
        """The settings for the planner."""
        return plan.PlannerSettings(
            image=self.stages_image,
            embed_image=self.embed_image,
            image_pull_policy=self.stages_pull_policy,
            service_account=self.stages_service_account,
            grace_seconds=self.stages_grace_seconds,
            whole_items=self.whole_items,
            whole_seconds=self.whole_seconds,
            whole_bytes=self.whole_bytes,
            run_reports=self.run_reports,
            prices=self.prices,
            policy=self.policy,
            extras=plan.PodExtras(
                labels=self.stages_pod_labels,
                annotations=self.stages_pod_annotations,
                scheduler_name=self.stages_scheduler_name,
                queue_system=self.stages_queue_system,
            ),
        )


def read(**given: object) -> OperatorSettings:
    """Read the settings from the environment; values in `given` that are not None take precedence.

    Raises SpecError, which names every invalid variable.
    """
    try:
        return OperatorSettings.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        wrong = [
            _setting_problem(*map(str, one["loc"]), value=one["input"], message=one["msg"]) for one in error.errors()
        ]
        raise SpecError("; ".join(wrong), hint="fix the operator's environment") from error


def _setting_problem(name: str, *path: str, value: object, message: str) -> str:
    where = f"{'.'.join(path)}: " if path else ""
    return f"{PREFIX}{name.upper()}={where}{without_secrets(str(value))}: {message}"

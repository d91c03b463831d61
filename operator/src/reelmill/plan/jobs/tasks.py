"""Builds the Task of each step from the resource."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reelmill.contract.spec.field_types import seconds
from reelmill.contract.spec.pipeline import SourceSpec, Spec, Verify, VideoPipeline
from reelmill.contract.spec.s3 import S3
from reelmill.contract.spec.web import WebAccess
from reelmill.contract.spending import Prices
from reelmill.contract.status import PassStatus
from reelmill.contract.task import Connection, Owner, SourceDef, StageDef, Step, StoreRef, Task, Upstream
from reelmill.contract.task_parts.run_report import RunDefinition
from reelmill.contract.task_parts.shard_limits import ShardLimits
from reelmill.contract.task_parts.verification import VerificationTask
from reelmill.contract.task_parts.web_limits import WebLimits
from reelmill.contract.text.redaction import redacted
from reelmill.plan.credentials import credentials_prefix
from reelmill.plan.definition.graph import Graph
from reelmill.plan.definition.keys import StageKeys
from reelmill.plan.jobs.placement import amount, hour_price, memory_of, merged, most_memory

NO_EARLY_ABORT = 2**31 - 1
"""A value of `early_abort` that no shard reaches."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A pipeline with the values derived from its spec."""

    pipeline: VideoPipeline
    uid: str
    graph: Graph
    keys: StageKeys
    fingerprint: str = ""
    """Fingerprint of the whole spec; a change of it clears stalls."""

    @property
    def spec(self) -> Spec:
        return self.pipeline.spec

    @property
    def owner(self) -> Owner:
        metadata = self.pipeline.metadata
        return Owner(namespace=metadata.namespace, name=metadata.name, uid=self.uid)


def survey_task(definition: Definition, *, run: int, listing: bool) -> Task:
    """Survey the store, and list the sources if `listing` is set."""
    graph = definition.graph
    return Task(
        step=Step.SURVEY,
        owner=definition.owner,
        run=run,
        store=_store(definition.spec),
        sources=tuple(_source(definition, source) for source in graph.sources.values()),
        stages=tuple(_stage(definition, name) for name in graph.stages),
        waves=definition.spec.waves,
        refresh=listing,
    )


def run_definition(definition: Definition, prices: Prices) -> RunDefinition:
    """The pipeline as shown in the report of its run."""
    defaults = definition.spec.defaults
    hours = {name: hour_price(prices, merged(defaults, stage)) for name, stage in definition.graph.stages.items()}
    return RunDefinition(
        name=definition.pipeline.metadata.name,
        tolerances=definition.graph.tolerances,
        hour_prices=hours if prices.known else {},
        currency=prices.currency,
        document=redacted(definition.pipeline.model_dump(mode="json", by_alias=True, exclude_unset=True)),
    )


def verification_task(definition: Definition, verify: Verify, *, run: int, began: str) -> Task:
    """Verify the data of all sources and stages in the store. `began` identifies the verification."""
    graph = definition.graph
    return Task(
        step=Step.VERIFY,
        owner=definition.owner,
        run=run,
        store=_store(definition.spec),
        sources=tuple(_source(definition, source) for source in graph.sources.values()),
        stages=tuple(_stage(definition, name) for name in graph.stages),
        refresh=False,
        verification=VerificationTask(began=began, max_rate=float(amount(verify.max_rate)), read_all=verify.read_all),
    )


def removal_task(definition: Definition, *, run: int) -> Task:
    """Delete the data that only this pipeline claims."""
    return Task(step=Step.REMOVE, owner=definition.owner, run=run, store=_store(definition.spec), refresh=False)


def open_task(definition: Definition, name: str, work: PassStatus, cover: Mapping[str, int]) -> Task:
    """Open a pass, or adopt an open one. `cover` maps upstreams to the last segment to cover."""
    stage = definition.graph.stages[name]
    policy = stage.failures.retry_items
    classes = work.classes if work.asked or work.classes or policy is None else policy.classes
    return _step_task(
        definition,
        name,
        work,
        step=Step.OPEN,
        kind="retry" if work.kind == "retry" else "cover",
        cover=dict(cover),
        retry=tuple(classes) if work.kind == "retry" else (),
        shard_count=0 if stage.shards == "auto" else stage.shards,
        limits=_shard_limits(definition, name),
    )


def shards_task(
    definition: Definition, name: str, work: PassStatus, shard_map: str, *, abort_off: bool, closes: bool = False
) -> Task:
    """Run the shards of a list of ranges; empty: all. With `closes`, the task has all that a commit step needs."""
    limits, stage = _shard_limits(definition, name), definition.graph.stages[name]
    if limits.memory_max is not None and work.attempt >= stage.failures.attempts:
        # If an item needs more than the last attempt has, the item fails rather than the shard.
        limits = limits.replace(memory_max=memory_of(merged(definition.spec.defaults, stage), work.memory))
    if abort_off:
        limits = limits.replace(early_abort=NO_EARLY_ABORT)
    task = _step_task(
        definition, name, work, step=Step.SHARDS, shard_map=shard_map, attempt=work.attempt, limits=limits
    )
    return task.replace(view=view_params(definition, name), complete=work.complete) if closes else task


def commit_task(definition: Definition, name: str, work: PassStatus) -> Task:
    """Close a pass, or only build the views again."""
    return _step_task(
        definition,
        name,
        work,
        step=Step.COMMIT,
        view=view_params(definition, name),
        complete=work.complete,
        close_lost=work.close_lost,
        abandon=work.abandon,
        view_only=work.kind == "view",
    )


def whole_task(
    definition: Definition, name: str, work: PassStatus, cover: Mapping[str, int], *, abort_off: bool
) -> Task:
    """Open a pass, process its only shard and commit it: the task of the open step, with all that the others need."""
    shards = shards_task(definition, name, work, "", abort_off=abort_off)
    opened = open_task(definition, name, work, cover)
    return opened.replace(
        limits=shards.limits, attempt=shards.attempt, view=view_params(definition, name), complete=work.complete
    )


def stage_def(definition: Definition, name: str) -> StageDef:
    """A stage, as passed to steps."""
    return _stage(definition, name)


def workers(definition: Definition, name: str) -> int:
    """The number of worker processes of a stage's shards; 0: one per CPU."""
    return _shard_limits(definition, name).workers


def view_params(definition: Definition, name: str) -> dict[str, Any]:
    """The stage's view block, including defaults; empty if it has none."""
    view = definition.graph.stages[name].view
    return view.model_dump(mode="json", by_alias=True) if view else {}


def _step_task(definition: Definition, name: str, work: PassStatus, **fields: Any) -> Task:
    return Task(
        owner=definition.owner,
        run=work.run,
        store=_store(definition.spec),
        sources=tuple(
            _source(definition, definition.graph.sources[source]) for source in definition.graph.ancestors(name)
        ),
        stages=(_stage(definition, name),),
        segment=work.segment,
        **fields,
    )


def _shard_limits(definition: Definition, name: str) -> ShardLimits:
    stage = definition.graph.stages[name]
    place = merged(definition.spec.defaults, stage)
    resources = place.resources
    cpu = (resources.limits.get("cpu") or resources.requests.get("cpu")) if resources else None
    # A pod without a CPU limit sees all CPUs of the node, so its request limits the number of workers.
    workers = stage.workers or stage.block.pod_workers or (max(int(amount(cpu)), 1) if cpu else 0)
    timeout = seconds(stage.failures.item_timeout)
    return ShardLimits(
        workers=workers,
        for_requests=stage.workers is None and stage.block.pod_workers is not None,
        fit_gpus=stage.workers is None,
        item_timeout=timeout,
        memory_max=most_memory(place),
    )


def _store(spec: Spec) -> StoreRef:
    return StoreRef(uri=spec.store.uri, connection=_connection(spec.store, ""))


def _source(definition: Definition, source: SourceSpec) -> SourceDef:
    prefix = credentials_prefix(definition.spec, source)
    return SourceDef(
        name=source.name,
        key=definition.keys[source.name],
        type=source.type,
        params=source.block.params(),
        connection=_connection(source.s3, prefix) if source.s3 else None,
        web=_web_limits(source.web) if source.web else None,
    )


def _stage(definition: Definition, name: str) -> StageDef:
    stage, definition_json = definition.graph.stages[name], definition.keys.definitions[name]
    return StageDef(
        name=name,
        key=definition.keys[name],
        type=stage.type,
        data_version=definition_json["version"],
        params=stage.block.params(),
        definition=definition_json,
        upstreams=tuple(
            Upstream(name=upstream, key=definition.keys[upstream]) for upstream in definition.graph.upstreams[name]
        ),
    )


def _connection(s3: S3, prefix: str) -> Connection:
    # Whether a Secret contains a CA is unknown here; pods get its path in `<prefix>AWS_CA_BUNDLE`.
    secret = s3.secret_ref.name if s3.secret_ref and prefix else ""
    return Connection(endpoint=s3.endpoint or "", region=s3.region or "", env_prefix=prefix, secret=secret)


def _web_limits(web: WebAccess) -> WebLimits:
    return WebLimits(
        allowed_hosts=tuple(web.allowed_hosts),
        private_servers=tuple(web.private_servers),
        parallel=web.parallel,
        delay=seconds(web.delay),
        timeout=seconds(web.timeout),
    )

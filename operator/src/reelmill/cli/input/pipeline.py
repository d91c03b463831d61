"""Load a pipeline file: the validated resource, its graph and its keys, or all of its errors."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from reelmill.cli.input import document as documents
from reelmill.cli.input import problems
from reelmill.cli.input.document import YamlDocument
from reelmill.cli.input.options import AS_NAMED, StoreOverride
from reelmill.cli.input.references import reference_errors
from reelmill.contract.errors import SpecError
from reelmill.contract.spec.pipeline import API_VERSION, KIND, VideoPipeline
from reelmill.contract.task import Task
from reelmill.plan.definition.graph import Graph, SpecErrors, resolve
from reelmill.plan.definition.keys import StageKeys, keys
from reelmill.plan.jobs.tasks import Definition, survey_task


@dataclass(frozen=True, slots=True)
class Loaded:
    """A valid pipeline."""

    document: YamlDocument
    pipeline: VideoPipeline
    graph: Graph
    keys: StageKeys
    data: dict[str, Any]
    """The resource as written, with the store replaced if --store or --endpoint was given."""
    uid: str = ""
    """UID of the resource in the cluster; empty for a file, whose UID is only in its store (`identity`)."""

    def task(self) -> Task:
        """The task for commands that read the store: all sources and stages with their keys."""
        return survey_task(self.definition, run=0, listing=False)

    @property
    def definition(self) -> Definition:
        return Definition(self.pipeline, self.uid, self.graph, self.keys)

    def entries(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the names. Raises SpecError if one is neither a source nor a stage."""
        known = self.names()
        for name in names:
            if name not in known:
                raise SpecError(
                    f"no source or stage named {name!r}",
                    where=self.document.file,
                    hint=f"choose one of {', '.join(known)}",
                )
        return tuple(names)

    def names(self) -> list[str]:
        """Sources and stages in the order of the file."""
        return [*self.graph.sources, *self.graph.stages]

    def stage(self, name: str) -> str:
        """Return the name. Raises SpecError if it is not a stage."""
        if name not in self.graph.stages:
            raise SpecError(
                f"no stage named {name!r}",
                where=self.document.file,
                hint=f"stages of this pipeline: {', '.join(self.graph.stages)}",
            )
        return name


def load(file: str, elsewhere: StoreOverride = AS_NAMED) -> Loaded:
    """Read a file. Raises Problems with all errors, or SpecError if the file is not a pipeline."""
    document = documents.read(file)
    return validated_document(document, elsewhere)


def validated_document(document: YamlDocument, elsewhere: StoreOverride = AS_NAMED, *, uid: str = "") -> Loaded:
    """Validate a document, with the store replaced if `elsewhere` names one. Raises like `load`."""
    _check_kind(document)
    data = _with_store(document.data, elsewhere.store, elsewhere.endpoint)
    try:
        pipeline = VideoPipeline.model_validate(data)
    except ValidationError as error:
        found = [*problems.from_validation(error, document), *problems.from_spec(reference_errors(data), document)]
        raise problems.FieldProblems(sorted(found, key=lambda problem: problem.line)) from None
    try:
        graph = resolve(pipeline.spec)
    except SpecErrors as error:
        raise problems.FieldProblems(problems.from_spec(error.errors, document)) from None
    return Loaded(document, pipeline, graph, keys(pipeline.spec, graph), data, uid)


def _check_kind(document: YamlDocument) -> None:
    kind, version = document.data.get("kind"), document.data.get("apiVersion")
    if kind != KIND:
        problem = (
            f"the kind is {problems.value_text(kind)}, not {KIND}" if kind else f"this is not a {KIND}: it has no kind"
        )
        line = document.line(("kind",))
        raise SpecError(
            problem, where=f"{document.file}:{line}", hint=f"set kind: {KIND}; for an example, run: reelmill init -"
        )
    if version != API_VERSION:
        problem = f"unknown apiVersion {problems.value_text(version)}" if version else "apiVersion is missing"
        line = document.line(("apiVersion",))
        raise SpecError(problem, where=f"{document.file}:{line}", hint=f"set apiVersion: {API_VERSION}")


def _with_store(data: dict[str, Any], store: str | None, endpoint: str | None) -> dict[str, Any]:
    spec = data.get("spec")
    if not isinstance(spec, dict) or (store is None and endpoint is None):
        return data
    given = spec.get("store")
    old = given if isinstance(given, dict) else {}
    new = dict(old) if store is None else {"uri": store} if "://" not in store else {**old, "uri": store}
    if endpoint is not None:
        new["endpoint"] = endpoint
    return {**data, "spec": {**spec, "store": new}}

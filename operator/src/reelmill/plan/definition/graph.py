"""The graph of a pipeline, and the validation of its spec.

Everything that can be validated before any work is validated here. All errors are reported together, each with the path
of its field.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from reelmill.contract.errors import SpecError
from reelmill.contract.spec.pipeline import SourceSpec, Spec, StageSpec
from reelmill.plan.credentials import refused_variables
from reelmill.plan.definition.compatibility import fits, origins
from reelmill.plan.definition.item_fields import Known, unknown_fields


class SpecErrors(SpecError):
    """All errors of a spec; `errors` contains one SpecError for each."""

    def __init__(self, errors: list[SpecError]) -> None:
        first = errors[0]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(f"{first.what}{more}", where=first.where, hint=first.hint)
        self.errors = tuple(errors)


@dataclass(frozen=True, slots=True)
class Graph:
    """Sources and stages by name, in the order of the spec, and the inputs of each stage."""

    sources: Mapping[str, SourceSpec]
    stages: Mapping[str, StageSpec]
    upstreams: Mapping[str, tuple[str, ...]]

    @property
    def tolerances(self) -> dict[str, str | None]:
        """Stage -> its `failures.tolerate`; None: the default."""
        return {name: stage.failures.tolerate for name, stage in self.stages.items()}

    def ancestors(self, name: str) -> list[str]:
        """The sources that a stage reads, directly or indirectly, in the order of the spec."""
        found: set[str] = set()
        todo = [name]
        while todo:
            for upstream in self.upstreams.get(todo.pop(), ()):
                if upstream not in found:
                    found.add(upstream)
                    todo.append(upstream)
        return [source for source in self.sources if source in found]


def resolve(spec: Spec) -> Graph:
    """The graph of a spec. Raises SpecErrors with all errors."""
    errors: list[SpecError] = []
    known: dict[str, SourceSpec | StageSpec] = {}
    upstreams: dict[str, tuple[str, ...]] = {}
    fields: dict[str, Known] = {}

    for number, source in enumerate(spec.sources):
        where = f"spec.sources[{number}]"
        errors += _name(source.name, known, where)
        unsound = _block_errors(source, where)
        errors += unsound
        fields.setdefault(source.name, None if unsound else source.block.known_fields(()))
        known.setdefault(source.name, source)

    later = {stage.name for stage in spec.stages}
    for number, stage in enumerate(spec.stages):
        where = f"spec.stages[{number}]"
        errors += _name(stage.name, known, where)
        unsound = _block_errors(stage, where)
        errors += unsound
        if number == 0 and not stage.from_ and len(spec.sources) > 1:
            errors.append(
                SpecError(
                    "with several sources, the first stage must say which it reads",
                    where=f"{where}.from",
                    hint=f"set from to one or more of [{', '.join(source.name for source in spec.sources)}]",
                )
            )
        names = stage.from_ or [spec.stages[number - 1].name if number else spec.sources[0].name]
        errors += wrong_references(names, stage.name, known, later, f"{where}.from")
        upstreams[stage.name] = tuple(dict.fromkeys(name for name in names if name in known))
        read = {name: fields[name] for name in upstreams[stage.name]}
        if not unsound:
            errors += _refusals(stage, where)
            errors += unknown_fields(stage, read, where)
            for place, name in enumerate(names):
                for origin in origins(name, known, upstreams):
                    errors += fits(stage, origin, f"{where}.from[{place}]")
        fields.setdefault(stage.name, None if unsound else stage.block.known_fields(list(read.values())))
        known.setdefault(stage.name, stage)

    all_read = {name for names in upstreams.values() for name in names}
    for number, source in enumerate(spec.sources):
        if source.name not in all_read:
            errors.append(
                SpecError(
                    f"no stage reads the source {source.name!r}",
                    where=f"spec.sources[{number}]",
                    hint="add it to the from of a stage, or remove it",
                )
            )
    errors += refused_variables(spec, unsound=[name for name, found in fields.items() if found is None])
    if errors:
        raise SpecErrors(errors)
    return Graph(
        sources={source.name: source for source in spec.sources},
        stages={stage.name: stage for stage in spec.stages},
        upstreams=upstreams,
    )


def _name(name: str, known: Mapping[str, object], where: str) -> list[SpecError]:
    if name not in known:
        return []
    return [SpecError(f"the name {name!r} is used twice", where=f"{where}.name", hint="choose unique names")]


def _block_errors(entry: SourceSpec | StageSpec, where: str) -> list[SpecError]:
    try:
        entry.block  # noqa: B018 - the property checks
    except ValueError as error:
        return [SpecError(str(error), where=where, hint="a source or stage has exactly one block")]
    return []


def wrong_references(
    names: Sequence[str], stage: str, known: Collection[str], later: Collection[str], where: str
) -> list[SpecError]:
    """The errors in the `from` of a stage: names that are not `known` before it; `later` are those of all stages."""
    errors = []
    for place, name in enumerate(names):
        at = f"{where}[{place}]"
        if name in names[:place]:
            errors.append(SpecError(f"{name!r} appears twice", where=at, hint="remove the duplicate"))
        elif name == stage or (name not in known and name in later):
            errors.append(
                SpecError(
                    f"stage {stage!r} cannot read {name!r}, which does not precede it",
                    where=at,
                    hint="a stage can read sources and stages above it; change the order of spec.stages",
                )
            )
        elif name not in known:
            near = get_close_matches(name, list(known), n=1, cutoff=0.0)
            errors.append(
                SpecError(
                    f"no source or stage named {name!r}",
                    where=at,
                    hint=f"did you mean {near[0]!r}?" if near else "define it in spec.sources",
                )
            )
    return errors


def _refusals(stage: StageSpec, where: str) -> list[SpecError]:
    errors = [SpecError(text, where=f"{where}.{stage.type}") for text in stage.block.refusals()]
    if stage.view is not None and stage.type != "frames" and "split" in stage.view.model_fields_set:
        errors.append(
            SpecError(
                f"view.split is not supported by stages of the type {stage.type}",
                where=f"{where}.view.split",
                hint="only frames stages have splits: remove it; subsets of any stage are in view.weights",
            )
        )
    return errors

"""The pipeline as a graph: who reads whom, and whether each can read what it is given.

Everything that can be refused before any work is refused here, all at once, with the path of the field.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from reelmill.contract.errors import SpecError
from reelmill.contract.spec.pipeline import SourceSpec, Spec, StageSpec
from reelmill.plan.credentials import refused_variables
from reelmill.plan.definition.compatibility import fits


class SpecErrors(SpecError):
    """All that is wrong with a spec; `errors` holds one SpecError for each field."""

    def __init__(self, errors: list[SpecError]) -> None:
        first = errors[0]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(f"{first.what}{more}", where=first.where, hint=first.hint)
        self.errors = tuple(errors)


@dataclass(frozen=True, slots=True)
class Graph:
    """Sources and stages by name, in the order of the spec, and the names that each stage reads."""

    sources: Mapping[str, SourceSpec]
    stages: Mapping[str, StageSpec]
    upstreams: Mapping[str, tuple[str, ...]]

    def ancestors(self, name: str) -> list[str]:
        """The sources that a stage rests on, directly or not, in the order of the spec."""
        found: set[str] = set()
        todo = [name]
        while todo:
            for upstream in self.upstreams.get(todo.pop(), ()):
                if upstream not in found:
                    found.add(upstream)
                    todo.append(upstream)
        return [source for source in self.sources if source in found]


def resolve(spec: Spec) -> Graph:
    """The graph of a spec. Raises SpecErrors with everything that is wrong."""
    errors: list[SpecError] = []
    known: dict[str, SourceSpec | StageSpec] = {}
    upstreams: dict[str, tuple[str, ...]] = {}

    for number, source in enumerate(spec.sources):
        where = f"spec.sources[{number}]"
        errors += _name(source.name, known, where)
        errors += _member(source, where)
        known.setdefault(source.name, source)

    later = {stage.name for stage in spec.stages}
    for number, stage in enumerate(spec.stages):
        where = f"spec.stages[{number}]"
        errors += _name(stage.name, known, where)
        sound = _member(stage, where)
        errors += sound
        if number == 0 and not stage.from_ and len(spec.sources) > 1:
            errors.append(
                SpecError(
                    "there are several sources, so the first stage must say which it reads",
                    where=f"{where}.from",
                    hint=f"write from: [{', '.join(source.name for source in spec.sources)}], or fewer of them",
                )
            )
        names = stage.from_ or [spec.stages[number - 1].name if number else spec.sources[0].name]
        errors += _references(names, stage.name, known, later, f"{where}.from")
        upstreams[stage.name] = tuple(dict.fromkeys(name for name in names if name in known))
        if not sound:
            errors += _refusals(stage, where)
            for place, name in enumerate(names):
                errors += fits(stage, known.get(name), f"{where}.from[{place}]")
        known.setdefault(stage.name, stage)

    read = {name for names in upstreams.values() for name in names}
    for number, source in enumerate(spec.sources):
        if source.name not in read:
            errors.append(
                SpecError(
                    f"no stage reads the source {source.name!r}",
                    where=f"spec.sources[{number}]",
                    hint="name it in a stage's from, or take it out",
                )
            )
    errors += refused_variables(spec)
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
    return [SpecError(f"the name {name!r} is used twice", where=f"{where}.name", hint="give each its own name")]


def _member(entry: SourceSpec | StageSpec, where: str) -> list[SpecError]:
    try:
        entry.block  # noqa: B018 - the property checks
    except ValueError as error:
        return [SpecError(str(error), where=where, hint="a source or stage is made of exactly one block")]
    return []


def _references(
    names: list[str], stage: str, known: Mapping[str, object], later: set[str], where: str
) -> list[SpecError]:
    errors = []
    for place, name in enumerate(names):
        at = f"{where}[{place}]"
        if name in names[:place]:
            errors.append(SpecError(f"{name!r} stands here twice", where=at, hint="name each once"))
        elif name == stage or (name not in known and name in later):
            errors.append(
                SpecError(
                    f"the stage {stage!r} cannot read {name!r}, which does not come before it",
                    where=at,
                    hint="a stage reads sources and stages above it; change the order of spec.stages",
                )
            )
        elif name not in known:
            near = get_close_matches(name, list(known), n=1, cutoff=0.0)
            errors.append(
                SpecError(
                    f"there is no source or stage {name!r}",
                    where=at,
                    hint=f"did you mean {near[0]!r}?" if near else "declare it under spec.sources",
                )
            )
    return errors


def _refusals(stage: StageSpec, where: str) -> list[SpecError]:
    errors = [SpecError(text, where=f"{where}.{stage.type}") for text in stage.block.refusals()]
    if stage.view is not None and stage.type != "frames":
        errors.append(
            SpecError(
                f"a {stage.type} stage has no view",
                where=f"{where}.view",
                hint="only frames stages take one: remove it",
            )
        )
    return errors

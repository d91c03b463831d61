"""`reelmill validate`: problems in the definitions of a store and its sources, found without listing them.

User code is not imported.
"""

from collections.abc import Iterator

from reelmill.contract.commands.places import PlacesResult, SourceProblem
from reelmill.contract.errors import SpecError
from reelmill.contract.task import SourceDef, Task
from reelmill_stages import registry
from reelmill_stages.sources.objects.own_store import OwnStore, folders
from reelmill_stages.store.open import connection_to


def places(task: Task) -> PlacesResult:
    """Problems of the store and the sources, and further notes about them."""
    try:
        own = OwnStore(task.store)
    except SpecError as error:
        return PlacesResult(problems=[_problem("", "uri", error)], notes=[])
    problems: list[SourceProblem] = []
    notes: list[SourceProblem] = []
    for source in task.sources:
        for field, uri in folders(source):
            endpoint = connection_to(uri, source.connection, task.store).endpoint
            try:
                own.refuse(uri, endpoint)
                note = own.message_about_store_inside(uri, endpoint)
            except SpecError as error:
                problems.append(_problem(source.name, field, error))
                continue
            if note:
                notes.append(SourceProblem(source=source.name, field=field, problem=note))
        problems += (_problem(source.name, "", error) for error in _adapter_errors(source))
    return PlacesResult(problems=problems, notes=notes)


def _adapter_errors(source: SourceDef) -> Iterator[SpecError]:
    """Errors that the source's adapter raises before it lists anything."""
    if registry.own_code(source.type, source.params):
        return
    try:
        registry.check_source(source.type, source.params)
    except SpecError as error:
        yield error


def _problem(source: str, field: str, error: SpecError) -> SourceProblem:
    return SourceProblem(source=source, field=field, problem=error.what, hint=error.hint)

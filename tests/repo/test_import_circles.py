"""No module imports itself by way of others, imports inside functions included."""

from graphlib import CycleError, TopologicalSorter

from repo.tree import imports, modules


def test_no_modules_import_each_other_in_a_circle() -> None:
    known = dict(modules())
    graph = {name: {one for one in imports(path) if one in known and one != name} for name, path in known.items()}
    # A package imports what it offers; whoever imports a module of it does not import what it offers.
    graph = {name: found - _packages(name) for name, found in graph.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise AssertionError(" > ".join(error.args[1])) from error


def _packages(name: str) -> set[str]:
    parts = name.split(".")
    return {".".join(parts[:count]) for count in range(1, len(parts))}

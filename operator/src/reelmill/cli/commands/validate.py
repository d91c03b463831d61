"""`reelmill validate`: validate pipeline files without a store or network."""

from typing import Annotated, Any

import typer

from reelmill.cli import store_commands
from reelmill.cli.display.output import Format, Output, emit
from reelmill.cli.display.terminal import say, write
from reelmill.cli.error_text import describe
from reelmill.cli.exit_codes import CommandExit
from reelmill.cli.identity import token
from reelmill.cli.input import pipeline
from reelmill.cli.input.pipeline import Loaded
from reelmill.cli.input.problems import FieldProblem, FieldProblems, dotted
from reelmill.contract.commands.places import SourceProblem
from reelmill.contract.commands.signatures import PLACES
from reelmill.contract.errors import SpecError
from reelmill.contract.text.quantities import count_of


def validate(
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="The pipeline files.")],
    output: Output = Format.TABLE,
) -> None:
    """Validate pipeline files and report all errors with their lines.

    With reelmill-stages installed, this includes errors that a run would report before it lists anything, such as a
    store that is its own source. No source is listed, and no file or server is read.
    """
    found: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    for file in files:
        try:
            loaded = pipeline.load(file)
            noted = _source_problems(loaded)
        except FieldProblems as error:
            found += [problem.to_json() for problem in error.problems]
            _print_problems(error, output)
        except SpecError as error:
            found.append({"file": file, "line": 0, "path": "", "problem": str(error), "hint": error.hint})
            _print_problems(error, output)
        else:
            notes += [note.to_json() for note in noted]
            if output.for_people:
                for note in noted:
                    say(f"note: {note}")
                sources, stages = len(loaded.graph.sources), len(loaded.graph.stages)
                write(f"{file}: valid: {count_of(sources, 'source')}, {count_of(stages, 'stage')}")
    if not output.for_people:
        emit({"valid": not found, "problems": found, "notes": notes}, output)
    if found:
        raise typer.Exit(CommandExit.INPUT)


def _source_problems(loaded: Loaded) -> list[FieldProblem]:
    """Notes about the store and the sources. Raises FieldProblems, or SpecError, for what every run would refuse."""
    token(loaded)
    if not store_commands.offered(PLACES.name):
        return []
    result = store_commands.load(PLACES)(loaded.task())
    if result.problems:
        raise FieldProblems([_located_problems(loaded, problem) for problem in result.problems])
    return [_located_problems(loaded, note) for note in result.notes]


def _located_problems(loaded: Loaded, problem: SourceProblem) -> FieldProblem:
    path: list[str | int] = ["spec", "store"]
    if problem.source:
        number = list(loaded.graph.sources).index(problem.source)
        path = ["spec", "sources", number, loaded.graph.sources[problem.source].type]
    path += [problem.field] if problem.field else []
    document = loaded.document
    return FieldProblem(document.file, document.line(tuple(path)), dotted(path), problem.problem, problem.hint)


def _print_problems(error: SpecError, output: Format) -> None:
    if output.for_people:
        for line in describe(error):
            say(line)

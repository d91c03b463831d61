"""`reelmill validate`: validate pipeline files without a store or network."""

from typing import Annotated

import typer

from reelmill.cli.display.output import Format, Output, emit
from reelmill.cli.display.terminal import say, write
from reelmill.cli.exits import CommandExit, describe
from reelmill.cli.input import pipeline
from reelmill.cli.input.problems import FieldProblems
from reelmill.contract.errors import SpecError


def validate(
    files: Annotated[list[str], typer.Argument(metavar="PIPELINE.yaml...", help="The pipeline files.")],
    output: Output = Format.TABLE,
) -> None:
    """Validate pipeline files and report all errors with their lines."""
    found = []
    for file in files:
        try:
            loaded = pipeline.load(file)
        except FieldProblems as error:
            found += [problem.to_json() for problem in error.problems]
            _lines(error, output)
        except SpecError as error:
            found.append({"file": file, "line": 0, "path": "", "problem": str(error), "hint": error.hint})
            _lines(error, output)
        else:
            if output.for_people:
                sources, stages = len(loaded.graph.sources), len(loaded.graph.stages)
                write(f"{file}: valid: {_count(sources, 'source')}, {_count(stages, 'stage')}")
    if not output.for_people:
        emit({"valid": not found, "problems": found}, output)
    if found:
        raise typer.Exit(CommandExit.INPUT)


def _lines(error: SpecError, output: Format) -> None:
    if output.for_people:
        for line in describe(error):
            say(line)


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"

"""The text of an error on the terminal."""

from reelmill.contract.errors import ReelmillError


def describe(error: ReelmillError) -> list[str]:
    """The lines to print for an error: one for each problem, then the hint."""
    # Imported here, because the models behind them take long to build.
    from reelmill.cli.input.problems import FieldProblems
    from reelmill.plan.definition.graph import SpecErrors

    if isinstance(error, FieldProblems):
        return [f"error: {problem}" for problem in error.problems]
    if isinstance(error, SpecErrors):
        return [line for part in error.errors for line in describe(part)]
    hint = [f"hint: {error.hint}"] if error.hint else []
    return [f"error: {error}", *hint]

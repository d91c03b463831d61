"""Sets of shard numbers as text, `0-3,7`, the format that Kubernetes uses for the completed indexes of a Job."""

from collections.abc import Iterable

MAX_NUMBERS = 2_000_000
"""Maximum number of numbers to parse: a few characters can stand for any count."""


def format_ranges(numbers: Iterable[int]) -> str:
    """Format numbers sorted, without duplicates: `{0, 1, 2, 7}` -> `0-2,7`."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def parse_ranges(text: str) -> list[int]:
    """The inverse of `format_ranges`. Raises ValueError for invalid text, and for more than `MAX_NUMBERS` numbers."""
    numbers: list[int] = []
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        run = range(int(first), int(last or first) + 1)
        # Compare the ends, because len() fails for a range of more than 2**63 numbers.
        if run.stop - run.start > MAX_NUMBERS - len(numbers):
            raise ValueError(f"the ranges stand for more than {MAX_NUMBERS} numbers")
        numbers.extend(run)
    return numbers

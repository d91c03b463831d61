"""The most frequent reasons, for reports of limited size."""

from collections.abc import Mapping

REPORTED = 5


def most_frequent(reasons: Mapping[str, int]) -> dict[str, int]:
    """The five most frequent `outcome:reason`, the most frequent first; equal ones sorted by name."""
    return dict(sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))[:REPORTED])

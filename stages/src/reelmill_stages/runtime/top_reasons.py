"""What failed most: reports hold five reasons, whatever the scale."""

from collections.abc import Mapping

REPORTED = 5


def most_frequent(reasons: Mapping[str, int]) -> dict[str, int]:
    """The five most frequent `outcome:reason`, most frequent first; equals by name."""
    return dict(sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))[:REPORTED])

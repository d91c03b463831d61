"""The order in which MPEG-1, MPEG-2 and MPEG-4 part 2 show pictures.

A B picture is shown at once, any other after the B pictures that follow it.
"""

from reelmill_stages.media.bitstream.units import Order


class Anchors:
    """Counts pictures in decode order."""

    def __init__(self) -> None:
        self._anchor = self._between = 0

    def place(self, *, is_b: bool) -> Order:
        """The place of the next picture."""
        self._between += 1
        if is_b:
            return (self._anchor, 0, self._between)
        self._anchor += 1
        return (self._anchor, 1, 0)

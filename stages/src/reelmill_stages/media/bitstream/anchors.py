"""Display order of pictures in MPEG-1, MPEG-2 and MPEG-4 part 2.

A B picture is shown at once, any other picture after the B pictures that follow it.
"""

from reelmill_stages.media.bitstream.units import Order


class Anchors:
    """Counter of pictures in decode order."""

    def __init__(self) -> None:
        self._anchor = self._between = 0

    def place(self, *, is_b: bool) -> Order:
        """Return the display position of the next picture."""
        self._between += 1
        if is_b:
            return (self._anchor, 0, self._between)
        self._anchor += 1
        return (self._anchor, 1, 0)

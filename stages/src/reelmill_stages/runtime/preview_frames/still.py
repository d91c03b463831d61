"""Choice of the frame of an item that is shown as its picture. Pure functions."""

from collections.abc import Sequence


def still(numbers: Sequence[int], starts: Sequence[int | None]) -> int:
    """The index of the frame, in the middle half of the frames, for which the fewest packets are decoded.

    Ends often fade, so a frame of the middle half represents the item; of equals, the nearest to the middle is chosen.

    `numbers` are the packets of the frames, at least one, in display order. `starts` maps every packet to the key
    packet from which it is decoded, or None if there is none.
    """
    middle = len(numbers) // 2

    def cost(place: int) -> tuple[float, int]:
        start = starts[numbers[place]]
        return float("inf") if start is None else numbers[place] - start, abs(place - middle)

    return min(range(len(numbers) // 4, max(len(numbers) - len(numbers) // 4, 1)), key=cost)

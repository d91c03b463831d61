"""Which frame of an item is shown as its picture. Pure."""

from collections.abc import Sequence


def still(numbers: Sequence[int], starts: Sequence[int | None]) -> int:
    """The place of the frame in the middle half of the frames for which the fewest packets are decoded.

    Ends often fade, so a frame of the middle half stands for the item; of equals, the nearest to the middle.

    `numbers` are the packets of the frames, of which there is at least one, in the order in which they are shown.
    `starts` tell of every packet the key packet from which it is decoded, None where there is none.
    """
    middle = len(numbers) // 2

    def cost(place: int) -> tuple[float, int]:
        start = starts[numbers[place]]
        return float("inf") if start is None else numbers[place] - start, abs(place - middle)

    return min(range(len(numbers) // 4, max(len(numbers) - len(numbers) // 4, 1)), key=cost)

"""Packets that hold a reference frame nobody sees: VP8's and VP9's alternate references.

Containers count them like any other packet; only the first bits of the frame header tell.
"""


def vp8_hidden(first: int) -> bool:
    """By the first byte: bit 4 is show_frame."""
    return not first >> 4 & 1


def vp9_hidden(first: int, last: int) -> bool:
    """By the first byte of the header and the last of the packet (a superframe's marker: one of its frames shows)."""
    if last >> 5 == 0b110:
        return False
    profile = (first >> 5 & 1) | (first >> 4 & 1) << 1
    bit = 2 if profile == 3 else 3
    shows_existing = first >> bit & 1
    return not shows_existing and not first >> (bit - 2) & 1

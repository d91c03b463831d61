"""Aligns the frames of two videos in order: the longest increasing sequence of matches."""

from bisect import bisect_right
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


def longest_rising(near: Array) -> tuple[Array, Array]:
    """Return (rows, columns) of as many True cells of a matrix as possible; rows increase, columns do not decrease.

    So several frames of a slower copy may match one frame, and those of a faster one may leave frames out.
    """
    # From the last column to the first, so that a row is used once.
    all_rows, mirrored = np.nonzero(near[:, ::-1])
    all_columns = near.shape[1] - 1 - mirrored
    if (all_rows[1:] > all_rows[:-1]).all() and (all_columns[1:] >= all_columns[:-1]).all():
        return all_rows, all_columns
    tails: list[int] = []
    cells: list[tuple[int, int, int]] = []
    ends: list[int] = []
    for row, column in zip(all_rows.tolist(), all_columns.tolist(), strict=True):
        place = bisect_right(tails, column)
        cells.append((row, column, ends[place - 1] if place else -1))
        if place == len(tails):
            tails.append(column)
            ends.append(len(cells) - 1)
        else:
            tails[place], ends[place] = column, len(cells) - 1
    rows: list[int] = []
    columns: list[int] = []
    at = ends[-1] if ends else -1
    while at >= 0:
        row, column, at = cells[at]
        rows.append(row)
        columns.append(column)
    return np.array(rows[::-1], np.int64), np.array(columns[::-1], np.int64)

"""The shape of a tokenized caption, for those who only read it."""

import numpy as np

Ids = np.ndarray[tuple[int], np.dtype[np.int64]]
"""(77,)"""

LENGTH = 77
START = 49406
END = 49407

"""Constants of tokenized captions."""

import numpy as np

Ids = np.ndarray[tuple[int], np.dtype[np.int64]]
"""int64 (77,)."""

LENGTH = 77
START = 49406
END = 49407

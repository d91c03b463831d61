"""A module whose import ends when the file exists that HELD_UP names."""

import os
import time
from pathlib import Path

while not Path(os.environ["HELD_UP"]).exists():
    time.sleep(0.01)

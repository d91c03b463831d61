"""`python -m reelmill_stages`: run the step that `REELMILL_TASK` describes.

reelmill starts it with `-P`. Without that option, the current folder is removed from the path before anything else.
"""

import sys

if not sys.flags.safe_path:
    del sys.path[0]

from reelmill_stages.runtime.step import main

if __name__ == "__main__":
    main()

"""`python -m reelmill_stages`: runs the step that `REELMILL_TASK` describes.

It is started with `-P`; where somebody does without, the current folder is taken off the path before anything else.
"""

import sys

if not sys.flags.safe_path:
    del sys.path[0]

from reelmill_stages.runtime.step import main

if __name__ == "__main__":
    main()

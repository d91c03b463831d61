"""`python -m reelmill_stages`: runs the step that `REELMILL_TASK` describes."""

from reelmill_stages.runtime.step import main

if __name__ == "__main__":
    main()

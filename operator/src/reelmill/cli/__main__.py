"""`python -m reelmill.cli`."""

from reelmill.cli import main

main()

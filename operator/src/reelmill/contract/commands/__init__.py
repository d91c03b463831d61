"""Signatures and result rows of the commands that `reelmill-stages` provides to the command line."""

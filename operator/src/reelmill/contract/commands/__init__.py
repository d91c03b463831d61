"""Commands that `reelmill-stages` offers to the command line: signatures and rows."""

"""Commands for a first look at reelmill."""

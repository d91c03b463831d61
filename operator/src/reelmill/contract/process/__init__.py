"""Rules for every process of reelmill."""

"""Rules that apply to every process of reelmill."""

"""The `clip` stage: cuts videos into clips."""

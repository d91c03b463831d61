"""Cut videos into clips."""

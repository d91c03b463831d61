"""The `measure` stage: numbers about videos and clips, which pass unchanged."""

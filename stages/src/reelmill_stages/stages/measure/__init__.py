"""The `measure` stage: adds numbers about videos and clips, which pass unchanged."""

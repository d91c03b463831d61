"""The execution of steps: survey, open, shards, commit, remove."""

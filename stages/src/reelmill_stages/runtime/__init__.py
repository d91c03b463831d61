"""Execution of steps: survey, open, shards, commit, remove."""

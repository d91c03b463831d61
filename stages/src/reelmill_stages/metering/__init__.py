"""Measurement of what this process spends time on, for the usage of a run."""

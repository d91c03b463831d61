"""Decisions over the whole data set: ordered signatures, the index of kept inputs, and the verdicts."""

"""Decisions over the whole data set: signatures in order, the index of what was kept, and the verdicts."""

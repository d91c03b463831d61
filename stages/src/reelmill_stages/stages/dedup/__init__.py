"""The `dedup` stage: keeps one of several items that show the same."""

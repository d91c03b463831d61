"""The `dedup` stage: keeps one of several items with the same content."""

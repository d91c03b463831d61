"""The `index` stage: validates tars and lists them for a trainer."""

"""The `select` stage: keeps a number or a share of the items of each group."""

"""Which pipelines there are, and what state each is in: by pipeline files, or by the claims in a store."""

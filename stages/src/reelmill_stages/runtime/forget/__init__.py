"""Forgetting items of a source: what came of them goes from the store, and anonymous rows stay in their place."""

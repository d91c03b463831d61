"""Damage in a store: finding it, and making damaged files again."""

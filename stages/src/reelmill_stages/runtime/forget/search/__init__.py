"""Searching a store for names of forgotten items and of what was made of them."""

"""Watches and full lists, which fill the cache and the work queue."""

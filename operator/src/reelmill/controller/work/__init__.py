"""The workers that reconcile one pipeline at a time."""

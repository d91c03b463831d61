"""Tars of samples: writing them byte-reproducibly, walking them by their headers, grouping them as trainers do.

Shared by every stage that writes or checks tars; it knows names and bytes, and nothing of items, shards or stores.
"""

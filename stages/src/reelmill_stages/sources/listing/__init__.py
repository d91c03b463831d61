"""From rows to a listing: stable keys, unique names, and reported duplicates."""

"""From rows to a listing: stable keys and names, duplicates reported."""

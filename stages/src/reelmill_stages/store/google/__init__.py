"""A bucket of Google Cloud Storage as a store."""

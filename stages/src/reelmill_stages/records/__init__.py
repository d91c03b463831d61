"""Reading and writing of records in the store: data sets, claims, heartbeats and pinned files."""

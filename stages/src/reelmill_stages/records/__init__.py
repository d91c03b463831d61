"""Records in the store: how data sets, claims, heartbeats and pinned files are read and written."""

"""The content of pages and API: one layer, computed from commits, so that the two cannot differ."""

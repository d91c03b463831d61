"""What pages and the API show: one layer, computed from commits, so that the two cannot differ."""

"""Multi-view recordings: people, views, labels and splits."""

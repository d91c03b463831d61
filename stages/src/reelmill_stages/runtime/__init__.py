"""What runs a step: survey, open, shards, commit."""

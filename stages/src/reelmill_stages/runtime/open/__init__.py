"""The open step: determine what a pass covers and divide it into shards."""

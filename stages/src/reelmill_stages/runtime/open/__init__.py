"""The open step: decide what a pass covers and divide it into shards."""

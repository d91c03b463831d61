"""The `normalise` stage: converts videos to one form, and leaves those that have it unchanged."""

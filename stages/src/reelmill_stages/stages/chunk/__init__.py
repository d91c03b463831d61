"""The `chunk` stage: divides long videos into short training samples."""

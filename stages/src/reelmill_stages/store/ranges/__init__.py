"""Objects that are read by ranges, with a bounded cache on the scratch disk."""

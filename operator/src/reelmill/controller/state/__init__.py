"""State of the operator in memory: the object cache, the work queue and the progress rate. No I/O."""

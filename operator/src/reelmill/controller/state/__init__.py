"""What the operator keeps in memory: the object cache, the work queue and the report rate. No I/O."""

"""What the store holds: names, rows, segments and claims."""

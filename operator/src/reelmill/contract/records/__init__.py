"""Models of the records in a store: names, rows, segments and claims."""

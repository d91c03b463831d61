"""`chunk`: long videos as many short training samples."""

"""What a command shows: tables, progress and explanations of a plan."""

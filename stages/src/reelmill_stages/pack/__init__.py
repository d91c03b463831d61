"""Pack samples into tars."""

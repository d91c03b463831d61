"""Sample frames."""

"""One file per stage block."""

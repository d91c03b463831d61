"""The objects below the prefix or folder of a source."""

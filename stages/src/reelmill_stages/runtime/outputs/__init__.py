"""Conversion of files that a stage makes into outputs in the store."""

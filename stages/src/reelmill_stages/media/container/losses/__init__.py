"""Packets that a file has lost, by the structure of its container."""

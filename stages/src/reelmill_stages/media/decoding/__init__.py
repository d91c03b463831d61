"""Decoding of packets to pictures."""

"""Cutting of clips by copying or encoding."""

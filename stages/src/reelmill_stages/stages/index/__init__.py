"""Validate tars and list them for the trainer."""

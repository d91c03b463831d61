"""Validate and list tars."""

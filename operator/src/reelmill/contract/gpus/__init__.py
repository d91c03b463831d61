"""Documented capabilities of GPUs."""

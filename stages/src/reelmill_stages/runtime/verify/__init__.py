"""Verification: every committed object is compared with its digest."""

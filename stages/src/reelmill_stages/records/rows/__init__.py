"""Rows of items while they are read and written: values of fields, the encoded row, and what rows add up to."""

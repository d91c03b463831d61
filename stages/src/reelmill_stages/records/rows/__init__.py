"""Rows of items while they are read and written: values of fields, encoded rows and totals."""

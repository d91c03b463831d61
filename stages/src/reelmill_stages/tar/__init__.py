"""Webdataset tars: reproducible writing, reading of headers, and grouping of members into samples as trainers do.

Shared by all stages that write or check tars.
"""

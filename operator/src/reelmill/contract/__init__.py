"""Data models and constants that the operator, the planner and the stages share.

Everything here is plain data. It imports only the standard library, pydantic and (for rows) msgspec, does no I/O, and
does not depend on Kubernetes, object stores or media. Both distributions import it and share nothing else.
"""

"""What the operator, the planner and the stages agree on.

Everything here is plain data: it imports the standard library, pydantic and (for rows) msgspec only, does no I/O and
knows nothing of Kubernetes, object stores or media. Both distributions import it; nothing else is shared.
"""

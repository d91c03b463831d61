"""The models as JSON Schema."""

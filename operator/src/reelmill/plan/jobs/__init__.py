"""Kubernetes Jobs: how a step becomes one, and what existing ones say."""

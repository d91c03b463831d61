"""Kubernetes Jobs: building the Job of a step, and reading existing Jobs."""

"""Clients of model servers with an OpenAI-compatible API."""

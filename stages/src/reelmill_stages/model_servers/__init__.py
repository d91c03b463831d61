"""Servers with models, by the protocol of OpenAI's API."""

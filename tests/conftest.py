"""Plugins of the whole suite."""

pytest_plugins = ["tiers", "servers.s3_servers", "cluster.fixtures"]

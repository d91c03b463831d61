"""Plugins of the suite and profiles of hypothesis; `--hypothesis-profile thorough` searches longer."""

from hypothesis import settings

pytest_plugins = ["tiers", "servers.s3_servers", "cluster.fixtures"]

settings.register_profile("quick", max_examples=40, deadline=None)
settings.register_profile("thorough", max_examples=1000, deadline=None)
settings.load_profile("quick")

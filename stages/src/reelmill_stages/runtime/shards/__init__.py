"""The shards step: one shard from its line of the plan to its commit."""

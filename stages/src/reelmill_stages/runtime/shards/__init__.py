"""The shards step: process one shard of the plan and commit it."""

"""The operator: watches, a cache, a work queue, and workers that apply the planner's decisions.

Watches fill the cache and the queue; a worker turns one pipeline into a snapshot, calls the planner, and applies the
plan. Job events, timers, restarts and requests all follow this path, and all decisions about pipelines are the
planner's. Only `handlers` imports kopf, and only `cluster` imports the Kubernetes client.
"""

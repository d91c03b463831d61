"""The operator: watches, a cache, a work queue, and workers that apply the planner's decisions.

Watches fill the cache and the queue; a worker turns one pipeline into a snapshot, calls the planner, and applies the
plan. Job events, timers, restarts and requests all follow this path, and the planner makes all decisions about
pipelines. Only `watch.watches` imports kopf, and only `kube.connection` imports the Kubernetes client.
"""

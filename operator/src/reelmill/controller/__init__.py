"""The cluster edge: watches, a cache, a queue, and workers that apply what the planner decides.

Watches only fill the cache and the queue; a worker turns one pipeline into a snapshot, asks the planner, and writes.
There is no second path: Job events, timers, restarts and requests all end in the same call. Nothing here decides
anything about pipelines. kopf is imported by `handlers` alone, the Kubernetes client by `cluster` alone.
"""

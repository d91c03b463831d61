"""Observation of pipelines: snapshots, reports of finished pods, and why pods do not run."""

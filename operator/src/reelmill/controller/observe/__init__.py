"""What is observed of a pipeline: snapshots, reports of finished pods, and why pods do not run."""

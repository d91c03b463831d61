"""The operator's side of the Kubernetes API: connection, typed errors, reads, writes, events and leader election."""

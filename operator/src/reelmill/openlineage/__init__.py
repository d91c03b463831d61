"""OpenLineage events about runs and passes, and their way to a file or a server (https://openlineage.io)."""

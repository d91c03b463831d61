"""OpenLineage events about runs and passes, and their delivery to a file or server (https://openlineage.io)."""

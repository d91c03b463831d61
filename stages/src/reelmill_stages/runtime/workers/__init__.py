"""Worker processes, their supervision, and how a group that breaks its worker is retried."""

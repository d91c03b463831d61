"""Worker processes, their supervision, and retries of groups that crash their worker."""

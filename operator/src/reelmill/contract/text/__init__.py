"""Text for people: escaping for terminals, removal of credentials, formatting, and log lines that may be JSON."""

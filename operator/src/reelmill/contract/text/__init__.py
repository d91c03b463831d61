"""Text that people read: made safe for terminals, without credentials; and lines of logs that may be JSON."""

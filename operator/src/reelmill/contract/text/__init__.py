"""Text that people read: made safe for terminals, and without credentials."""

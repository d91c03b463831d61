"""The life cycle of a pass: its start, the transitions after each step, and the handling of failures."""

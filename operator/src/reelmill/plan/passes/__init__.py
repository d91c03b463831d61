"""The life of a pass: when one begins, what each finished step leads to, and what happens after failures."""

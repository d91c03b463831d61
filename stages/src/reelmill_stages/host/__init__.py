"""What the machine or container offers: CPUs, memory and disk."""

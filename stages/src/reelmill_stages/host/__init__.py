"""Resources of the machine or container: CPUs, memory and disk."""

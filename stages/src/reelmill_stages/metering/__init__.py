"""What this process spends its time on: counted where it happens, for the usage of a run."""

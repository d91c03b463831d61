"""The pure core: what to do next, decided from what is seen. No I/O, no clock, no random."""

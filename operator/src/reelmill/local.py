"""The same planner driving processes on one machine."""

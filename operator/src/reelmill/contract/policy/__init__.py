"""The administrator's policy for pipelines: its model, and the rules that apply it."""

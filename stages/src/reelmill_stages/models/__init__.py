"""Shared code of stages that run a model: optional packages, device, weights. torch is imported on demand."""

"""PyTorch readers of what the stages write: plain data sets over folders and buckets. Only they import torch."""

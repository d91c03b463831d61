"""What stages that run a model share: the packages they need, the device, the weights. torch is imported late."""

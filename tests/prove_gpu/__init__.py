"""`make prove-gpu`: what reelmill does on GPUs, shown on the GPU of this machine."""

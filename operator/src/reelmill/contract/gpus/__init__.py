"""What GPUs can do, as far as it is documented."""

"""Which frames a video has, when each is shown, and which packets give them."""

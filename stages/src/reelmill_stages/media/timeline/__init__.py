"""The frames of a video, their times, and the packets that they are decoded from."""

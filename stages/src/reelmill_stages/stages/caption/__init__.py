"""The `caption` stage: sends each video to a vision-language model on a server, and records the answers."""

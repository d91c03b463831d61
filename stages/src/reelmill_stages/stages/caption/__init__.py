"""The `caption` stage: asks a vision-language model on a server about each video, and keeps the answers"""

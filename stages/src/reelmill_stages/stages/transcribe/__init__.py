"""The `transcribe` stage: writes down what is said in videos, with the times of words"""

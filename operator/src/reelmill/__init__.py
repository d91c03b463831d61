"""reelmill turns raw video into training data; this distribution plans and controls, it never touches media."""

__version__ = "0.1.0"

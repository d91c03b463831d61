"""What is measured of sound."""

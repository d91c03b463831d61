"""What is measured of pictures: single frames, and two successive ones."""

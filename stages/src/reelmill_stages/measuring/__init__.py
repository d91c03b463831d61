"""What is measured of videos and clips: pictures, motion, sound, and what models say."""

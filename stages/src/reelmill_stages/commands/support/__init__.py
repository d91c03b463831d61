"""What is behind `reelmill support-bundle`."""

"""Implementation of `reelmill support-bundle`."""

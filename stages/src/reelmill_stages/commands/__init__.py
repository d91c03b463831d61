"""Functions for the command line that need access to the store, one module for each command.

The command line finds them by the entry-point group `reelmill.commands` and presents their results, which are plain
data. Each takes a survey task (the store, and all sources and stages with their keys) and the environment with the
credentials.
"""

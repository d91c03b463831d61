"""Planner, operator and command line of reelmill, which turns raw video into training data. No code here reads media.

The public module is `reelmill.spec`, with the models of a pipeline. All other modules are private and may change in any
release. docs/api/README.md states what a release may change.
"""

__version__ = "0.1.0"

"""Processes on one machine: a template process, the processes forked from it, and the choice of the start method.

The template (`template`) has imported what steps and workers need, has one thread, and forks on request. `forked` is
its client. `start_method` says which processes are forked, and which are started by a new interpreter.
"""

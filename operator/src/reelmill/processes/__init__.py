"""Processes on one machine: a warm template process, the processes that are forked from it, and when to do so.

The template (`template`) has imported what steps and workers need, has one thread, and forks on request. `forked` is
its client. `start_method` says which processes are forked, and which are started by a new interpreter.
"""

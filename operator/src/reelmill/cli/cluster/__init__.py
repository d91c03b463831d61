"""The command line's way to a cluster: a connection with plain words for what can go wrong, and what is read over it.

`edge` is the only module that touches the network; all others turn raw objects into words, and are pure.
"""

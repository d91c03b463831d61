"""The command line's access to a cluster: a connection with readable errors, and the presentation of what is read.

`client` is the only module that uses the network; the others turn raw objects into text and are pure.
"""

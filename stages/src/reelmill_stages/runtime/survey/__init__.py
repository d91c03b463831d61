"""The survey step: check the store, list the sources, report the state of the store."""

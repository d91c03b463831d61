"""The survey step: check the store, list the sources, report what the store has."""

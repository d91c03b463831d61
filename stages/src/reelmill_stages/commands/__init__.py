"""What the command line can ask of a store: each module is one question, a function over plain data.

The command line finds these functions under the entry-point group `reelmill.commands`; it shows what they give and
knows nothing else of this distribution. Each takes a survey task (the store, every source and stage with its key) and
the environment that holds the credentials.
"""

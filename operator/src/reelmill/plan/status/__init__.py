"""The status of the resource: conditions, stage states, events, and how it is stored within its size limit."""

"""A container of Azure Blob Storage as a store."""

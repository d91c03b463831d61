"""The `filter` stage: keeps or drops items by rules about their fields, without reading media."""

"""The web page of `reelmill dashboard`: pipelines, what their stages keep and drop, and their items. Read only."""

-- Retries failed items and resumes stalled stages.
local os = require("os")
obj.metadata.annotations = obj.metadata.annotations or {}
obj.metadata.annotations["reelmill.dev/retry"] = "argocd-" .. os.date("!%Y-%m-%dT%XZ")
return obj

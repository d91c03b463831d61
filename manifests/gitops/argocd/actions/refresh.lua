-- Lists the sources again.
local os = require("os")
obj.metadata.annotations = obj.metadata.annotations or {}
obj.metadata.annotations["reelmill.dev/refresh"] = "argocd-" .. os.date("!%Y-%m-%dT%XZ")
return obj

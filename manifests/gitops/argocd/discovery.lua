-- The actions that Argo CD offers for a VideoPipeline.
local suspended = obj.spec.suspend == true
return {
  ["refresh"] = {["disabled"] = suspended},
  ["retry"] = {["disabled"] = suspended},
  ["suspend"] = {["disabled"] = suspended},
  ["resume"] = {["disabled"] = not suspended},
}

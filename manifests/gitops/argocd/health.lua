-- Health of a VideoPipeline in Argo CD, by the same rules as kstatus: what Flux and `helm --wait` see.
local health = {status = "Progressing", message = "waiting for the operator"}
local status = obj.status or {}
local conditions = status.conditions or {}

local function condition(name)
  for _, each in ipairs(conditions) do
    if each.type == name then
      return each.status == "True", each.message or ""
    end
  end
  return false, ""
end

if obj.metadata.deletionTimestamp ~= nil then
  health.message = "it is being deleted"
  return health
end
if #conditions == 0 then
  return health
end
if status.observedGeneration ~= nil and obj.metadata.generation ~= nil
    and status.observedGeneration ~= obj.metadata.generation then
  health.message = "the operator has not seen the last change"
  return health
end

local reconciling, work = condition("Reconciling")
local stalled, problem = condition("Stalled")
local ready, done = condition("Ready")
local suspended = condition("Suspended")
if reconciling then
  health.message = work
elseif stalled then
  health.status, health.message = "Degraded", problem
elseif ready then
  health.status, health.message = "Healthy", done
elseif suspended then
  health.status, health.message = "Suspended", done
else
  health.message = done
end
return health

"""Argo CD's side of a VideoPipeline: its Lua, with the libraries that Argo CD gives it, from the generated ConfigMap.

Argo CD runs Lua 5.1 with the libraries base, package and table. Scripts that `require` os get its `date` and `time`;
there is no such global, and strings have no methods. `test_argocd_program.py` compares this runtime with Argo CD's own.
"""

import json
from typing import Any

import yaml
from lupa.lua51 import LuaRuntime, lua_type

from repo.tree import ROOT

Json = dict[str, Any]
KIND = "reelmill.dev_VideoPipeline"
DATA = yaml.safe_load((ROOT / "manifests/gitops/argocd/argocd-cm.yaml").read_text())["data"]
ACTIONS = yaml.safe_load(DATA[f"resource.customizations.actions.{KIND}"])
DEFINITIONS = {each["name"]: each["action.lua"] for each in ACTIONS["definitions"]}
_SANDBOX = """
local modules = {os = {date = os.date, time = os.time}}
getmetatable("").__index = nil
for _, name in ipairs({"io", "os", "package", "debug", "dofile", "loadfile", "load", "loadstring",
                       "python", "coroutine", "math", "string"}) do _G[name] = nil end
function require(name) return modules[name] or error("module " .. name .. " not found") end
"""


def health(resource: Json) -> tuple[str, str]:
    """Status and message."""
    found = _run(DATA[f"resource.customizations.health.{KIND}"], resource)
    return found["status"], found["message"]


def offered(resource: Json) -> set[str]:
    """The actions that are not disabled."""
    found = _run(ACTIONS["discovery.lua"], resource)
    assert set(found) == set(DEFINITIONS)
    return {name for name, action in found.items() if not action["disabled"]}


def act(name: str, resource: Json) -> Json:
    """The resource after an action."""
    return _run(DEFINITIONS[name], resource)


def _run(script: str, resource: Json) -> Any:
    lua = LuaRuntime(unpack_returned_tuples=True)
    table = _table(lua, json.loads(json.dumps(resource)))
    lua.globals().obj = table
    lua.execute(_SANDBOX)
    return _plain(lua.execute(script))


def _table(lua: LuaRuntime, value: Any) -> Any:
    if isinstance(value, dict):
        return lua.table_from({key: _table(lua, each) for key, each in value.items() if each is not None})
    if isinstance(value, list):
        return lua.table_from([_table(lua, each) for each in value])
    return value


def _plain(value: Any) -> Any:
    if lua_type(value) != "table":
        return value
    keys = list(value)
    if keys and keys == list(range(1, len(keys) + 1)):
        return [_plain(value[key]) for key in keys]
    return {key: _plain(value[key]) for key in keys}

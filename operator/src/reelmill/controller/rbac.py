"""The RBAC rules of the operator and the dashboard; manifests and chart are generated from them.

Tests run with exactly these rules. They do not include Secrets, ConfigMaps, nodes, CustomResourceDefinitions or
namespaces.
"""

from typing import Any

from reelmill.schema.crd import GROUP, PLURAL

Rule = dict[str, Any]


def _rule(group: str, resource: str, *verbs: str, names: tuple[str, ...] = ()) -> Rule:
    named = {"resourceNames": list(names)} if names else {}
    return {"apiGroups": [group], "resources": [resource], **named, "verbs": list(verbs)}


def rules() -> list[Rule]:
    """Rules for the watched namespaces: a ClusterRole, bound for the whole cluster or for each namespace."""
    return [
        # `patch` is for the finalizer of `onDelete: Delete`; custom resources have no subresource for finalizers.
        _rule(GROUP, PLURAL, "get", "list", "watch", "patch"),
        _rule(GROUP, f"{PLURAL}/status", "patch"),
        # Clusters that enforce OwnerReferencesPermissionEnforcement require this to set blockOwnerDeletion.
        _rule(GROUP, f"{PLURAL}/finalizers", "update"),
        _rule("batch", "jobs", "get", "list", "watch", "create", "patch", "delete", "deletecollection"),
        _rule("", "pods", "get", "list"),
        _rule("", "events", "create", "patch"),
    ]


def dashboard_rules() -> list[Rule]:
    """Rules for the dashboard: read pipelines and, for `why` and logs, their Jobs, pods and events."""
    return [
        _rule(GROUP, PLURAL, "get", "list"),
        _rule("batch", "jobs", "get", "list"),
        _rule("", "pods", "get", "list"),
        _rule("", "pods/log", "get"),
        _rule("", "events", "get", "list"),
    ]


def lease_rules(lease: str) -> list[Rule]:
    """Rules for the operator's namespace: its Lease. (`create` cannot be restricted to a name.)"""
    return [
        _rule("coordination.k8s.io", "leases", "create"),
        _rule("coordination.k8s.io", "leases", "get", "update", names=(lease,)),
    ]

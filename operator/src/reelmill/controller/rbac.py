"""What the operator may do, as RBAC rules: manifests and chart are made from them, tests run with nothing else.

No Secrets, no ConfigMaps, no nodes, no CustomResourceDefinitions, no namespaces.
"""

from typing import Any

from reelmill.schema.crd import GROUP, PLURAL

Rule = dict[str, Any]


def _rule(group: str, resource: str, *verbs: str, names: tuple[str, ...] = ()) -> Rule:
    named = {"resourceNames": list(names)} if names else {}
    return {"apiGroups": [group], "resources": [resource], **named, "verbs": list(verbs)}


def rules() -> list[Rule]:
    """In every served namespace, or in all: a ClusterRole, bound cluster-wide or by namespace."""
    return [
        # `patch` is for the finalizer of `onDelete: Delete`: a definition's resources have no narrower way to it.
        _rule(GROUP, PLURAL, "get", "list", "watch", "patch"),
        _rule(GROUP, f"{PLURAL}/status", "patch"),
        # Clusters that enforce it ask for this of whoever sets blockOwnerDeletion on a child.
        _rule(GROUP, f"{PLURAL}/finalizers", "update"),
        _rule("batch", "jobs", "get", "list", "watch", "create", "patch", "delete"),
        _rule("", "pods", "get", "list"),
        _rule("", "events", "create", "patch"),
    ]


def own_rules(lease: str) -> list[Rule]:
    """In the operator's own namespace: its Lease. (A name cannot be asked of `create`.)"""
    return [
        _rule("coordination.k8s.io", "leases", "create"),
        _rule("coordination.k8s.io", "leases", "get", "update", names=(lease,)),
    ]

"""Leader election by a Lease: only one of several replicas acts, and stops immediately when it loses the Lease.

Clocks of different machines are not compared: a Lease counts as abandoned if it has not changed for its duration. The
holder stops earlier than that, so two replicas never act at the same time.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from reelmill.contract.log import event
from reelmill.controller.kube.api import KubeApi
from reelmill.controller.kube.api_errors import Conflict, NoAnswer, Refusal

Json = dict[str, Any]
_log = logging.getLogger(__name__)

DEADLINE = 2 / 3
"""Fraction of the Lease's duration after which a holder that cannot renew it stops."""
RENEW = 2 / 15
"""Fraction of the duration between two attempts to renew or acquire the Lease."""


class LeaseLost(Exception):
    """This replica no longer holds the Lease."""


class Leader:
    """The election, for one replica. `clock` returns monotonic seconds; `now` is the time written into the Lease."""

    def __init__(
        self,
        verbs: KubeApi,
        namespace: str,
        name: str,
        identity: str,
        *,
        seconds: float,
        clock: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        self._verbs, self._namespace, self._name, self._identity = verbs, namespace, name, identity
        self._seconds, self._clock, self._now = seconds, clock, now
        self._held: Json | None = None
        self._until = float("-inf")
        self._seen: tuple[str, float] = ("", float("-inf"))

    def holds(self) -> bool:
        """Whether this replica may act now; also correct after the process was suspended."""
        return self._clock() < self._until

    async def acquire(self) -> None:
        """Wait until this replica holds the Lease."""
        while True:
            try:
                if await self.attempt():
                    event(_log, "holds the lease", lease=f"{self._namespace}/{self._name}", identity=self._identity)
                    return
            except (Refusal, NoAnswer) as trouble:
                event(_log, f"no lease: {trouble}", level=logging.WARNING)
            await asyncio.sleep(self._seconds * RENEW)

    async def keep(self) -> None:
        """Renew the Lease until that fails. Raises LeaseLost."""
        while True:
            await asyncio.sleep(self._seconds * RENEW)
            try:
                async with asyncio.timeout(max(self._until - self._clock(), 0.0)):
                    held = await self.attempt()
            except (Refusal, NoAnswer, TimeoutError) as trouble:
                event(_log, f"lease not renewed: {trouble or 'no answer'}", level=logging.WARNING)
                held = self.holds()
            if not held or not self.holds():
                self._until = float("-inf")
                raise LeaseLost(f"the lease {self._namespace}/{self._name} was lost")

    async def attempt(self) -> bool:
        """Acquire or renew the Lease if possible; returns whether this replica holds it."""
        began = self._clock()
        found = await self._verbs.lease(self._namespace, self._name)
        spec = (found or {}).get("spec") or {}
        holder = str(spec.get("holderIdentity") or "")
        self._note_record(
            f"{holder} {spec.get('renewTime')} {(found or {}).get('metadata', {}).get('resourceVersion')}"
        )
        if holder and holder != self._identity and not self._is_expired(spec):
            return False
        try:
            self._held = await self._verbs.write_lease(self._lease_body(found, spec, self._identity))
        except Conflict:
            return False
        self._until = began + self._seconds * DEADLINE
        return True

    async def release(self) -> None:
        """Release the Lease so that another replica can act immediately."""
        held, self._held, self._until = self._held, None, float("-inf")
        if held is None:
            return
        try:
            await self._verbs.write_lease(self._lease_body(held, held["spec"], ""))
        except (Refusal, NoAnswer):
            # The Lease expires by itself.
            return

    def _note_record(self, record: str) -> None:
        if record != self._seen[0]:
            self._seen = record, self._clock()

    def _is_expired(self, spec: Json) -> bool:
        seconds = float(spec.get("leaseDurationSeconds") or self._seconds)
        return self._clock() - self._seen[1] > seconds

    def _lease_body(self, found: Json | None, spec: Json, holder: str) -> Json:
        metadata = {"name": self._name, "namespace": self._namespace}
        if found:
            metadata["resourceVersion"] = found["metadata"]["resourceVersion"]
        stamp = self._now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        same = spec.get("holderIdentity") == holder
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": metadata,
            "spec": {
                "holderIdentity": holder,
                "leaseDurationSeconds": max(round(self._seconds), 1),
                "acquireTime": spec.get("acquireTime") if same else stamp,
                "renewTime": stamp,
                "leaseTransitions": int(spec.get("leaseTransitions") or 0) + (not same),
            },
        }

"""A connection with a Secret uses only the keys of that Secret."""

from reelmill.contract.errors import StoreError
from reelmill.contract.task import Connection


def refuse_other_identity(connection: Connection, where: str, *keys: str, either: bool = False) -> None:
    """Raise StoreError if the connection names a Secret. To be called if none of its credentials are set.

    `keys`: the missing keys of the Secret, without the prefix of their variables; `either`: one is enough.
    """
    if not connection.secret:
        return
    variables = (" or " if either else " and ").join(f"{connection.env_prefix}{key}" for key in keys)
    raise StoreError(
        f"the Secret {connection.secret} has no {' and no '.join(keys)}, and no other identity is used in its place",
        where=where,
        hint=(
            f"add {'one of them' if either else 'what is missing'} to the Secret, or remove secretRef; "
            f"on one machine, and for servers that only rows name, set {variables}"
        ),
    )

"""The end of an event loop: forgotten connections would be a warning in whichever test comes next."""

import asyncio
from typing import Any

SECONDS = 10.0


async def close_connections() -> None:
    """Cancel all other tasks of this loop, and wait until its connections are closed."""
    loop: Any = asyncio.get_running_loop()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for other in others:
        other.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    end = loop.time() + SECONDS
    while len(loop._selector.get_map()) > 1 and loop.time() < end:  # one wakes the loop
        await asyncio.sleep(0.01)
    await asyncio.sleep(0)

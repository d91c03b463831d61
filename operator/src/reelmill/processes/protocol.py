"""What the template process and its clients say to each other.

Requests arrive on a socket of type SEQPACKET, whose other end several processes may hold. A request is a JSON object:

- `{"preload": [MODULE, …]}`: import these modules, one after the other while there are no other requests;
- `{"later": [MODULE, …]}`: import these modules before a process is forked that does not say what it needs;
- `{"signal": NUMBER, "needs": [MODULE, …]}` with the file descriptors CONTROL, STDERR and more: import these modules
  (without `needs`, all that are to be imported), and fork a process.

CONTROL is one end of a pair of stream sockets. The template writes `REPLY` to it: (ERROR, errno) or (PID, pid), then
(STATUS, code) when the process has ended; a negative code is the number of the signal that killed it; then (CPU,
milliseconds) that it and its own ended processes have used. The forked process reads a JSON object from it, until the
end: `name` (for `top`), `target` (`module:function`), `arguments` for it (strings) and `environment`. When the client
closes its end, or ends itself, the forked process gets the signal: SIGKILL for its whole process group, any other for
the process alone.
"""

import struct

REPLY = struct.Struct("=ii")
ERROR, PID, STATUS, CPU = 0, 1, 2, 3
MOST = 2**31 - 1
"""Largest value of a reply: 24 days of CPU."""
DESCRIPTORS = 16
"""Maximum number of descriptors of a request."""
BYTES = 1 << 16
"""Maximum size of a request."""

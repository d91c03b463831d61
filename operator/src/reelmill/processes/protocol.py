"""The protocol between the template process and its clients.

Requests arrive on a SEQPACKET socket, whose other end several processes may share. A request is a JSON object:

- `{"preload": [MODULE, …]}`: import these modules, one at a time, while there are no other requests;
- `{"later": [MODULE, …]}`: import these modules before forking a process that does not declare what it needs;
- `{"signal": NUMBER, "needs": [MODULE, …]}` with the file descriptors CONTROL, STDERR and more: import these modules
  (without `needs`, all pending ones), and fork a process.

CONTROL is one end of a pair of stream sockets. The template writes `REPLY` to it: (ERROR, errno) or (PID, pid), then
(STATUS, code) when the process has ended; a negative code is the number of the signal that killed it; then (CPU,
milliseconds) used by it and its own ended processes. The forked process reads a JSON object from it, until the end:
`name` (for `top`), `target` (`module:function`), `arguments` for it (strings) and `environment`. When the client closes
its end, or ends itself, the forked process gets the signal: SIGKILL is sent to its whole process group, any other
signal only to the process.
"""

import struct

REPLY = struct.Struct("=ii")
ERROR, PID, STATUS, CPU = 0, 1, 2, 3
MOST = 2**31 - 1
"""Maximum value of a reply: 24 days of CPU time."""
DESCRIPTORS = 16
"""Maximum number of descriptors of a request."""
BYTES = 1 << 16
"""Maximum size of a request."""

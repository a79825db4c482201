"""What programs put into the middle of a text: colour codes of a terminal, and the seam of two records of a container's log.

Patterns only.  Whoever takes such a cut out, or looks for a key behind one, asks for them here.
"""

from __future__ import annotations

COLOUR = rb"(?:\x1b|\\{1,2}u001[bB]|\\{1,2}x1[bB]|\\{1,2}033|\\{1,2}e)\[[0-9;]{0,12}[mK]"
"""A colour code, raw or as an escape of JSON, Python or a shell; at most 21 bytes."""
CONTAINER = rb'"\s{0,2},(?:"[a-z]{3,8}":"[^"\n]{0,64}",?){1,3}\}\r?\n\{"log":\s{0,2}"'
"""From the end of a text in a record of `docker` to the beginning of the text in the next record."""
NODE = rb"\r?\n\d{4}-\d\d-\d\dT[0-9:.]{8,20}(?:Z|[+-]\d\d:\d\d) std(?:out|err) [PF] "
"""From the end of a line of a node's log to the beginning of the text in the next line."""

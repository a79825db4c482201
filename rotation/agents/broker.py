"""An agent behind `keysweep broker`: it holds placeholders, its requests leave with the key, and a rotation restarts nobody.

The agent is given an address of this machine in place of its vendor's, and the broker passes its requests on to one exact host: that of the
setting `upstream`, else the provider's `base_url`, else the vendor's own.  Requests in flight end on the old key, which is revoked when they
are done or their grace is over.  Attested is what the running broker says that it serves, while the kernel says that it runs.  See
docs/broker.md.
"""

from __future__ import annotations

from collections.abc import Mapping

from keysweep.foundation.errors import UsageError
from keysweep.rotation import supervised
from keysweep.rotation.agents import Agent
from keysweep.rotation.broker import routes


def _check(settings: Mapping[str, str]) -> None:
    routes.check(settings)
    try:
        good = 0 < float(settings.get("timeout", "1")) <= 3600
    except ValueError:
        good = False
    if not good:
        msg = "timeout is a number of seconds up to 3600"
        raise UsageError(msg)


AGENT = Agent(
    title="An agent behind the egress broker",
    settings={
        "upstream*": "VARIABLE=https://HOST: where requests with it go; several with blanks between them; http only to this machine",
        "header*": f"VARIABLE=FORM: how the key stands in a request, of {', '.join(routes.FORMS)}",
        "base_url*": "VARIABLE=NAME/PATH: the variable in which its client expects an address, and what that ends with; OPENAI_BASE_URL/v1",
        "listen*": "127.0.0.1:PORT or unix:/PATH (127.0.0.1:7466)",
        "authority*": "absolute path of the certificates that an upstream's is checked against, instead of the public ones",
        "timeout*": "seconds that an upstream may take for each next byte (600)",
    },
    deliver=supervised.deliver,
    activate=supervised.activate,
    attest=supervised.attest,
    nudge=supervised.activate,
    check=_check,
)

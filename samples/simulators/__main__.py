"""`python -m samples.simulators --port 8701`: start the simulated vendors and print where they listen."""

from __future__ import annotations

import argparse
import signal
from pathlib import Path

from samples.simulators.server import Simulator


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--state", type=Path, help="file that keeps the state (hashes only)")
    parser.add_argument("--ready-file", type=Path, help="file that gets the address once it listens")
    options = parser.parse_args()
    server = Simulator(options.port, options.state)
    if options.ready_file:
        options.ready_file.write_text(server.url)
    print(f"{', '.join(vendor.name for vendor in server.vendors)} at {server.url}", flush=True)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)  # a shell starts background programs with SIGINT ignored
    try:
        server.serve_forever(poll_interval=0.05)
    except KeyboardInterrupt:
        server.server_close()


if __name__ == "__main__":
    main()

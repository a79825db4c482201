"""`python -m keysweep`."""

from __future__ import annotations

from keysweep.commands import main

if __name__ == "__main__":
    main()

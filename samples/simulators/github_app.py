"""The tokens of an application at GitHub: the same vendor, with keys that users gave to the application `CLIENT`."""

from __future__ import annotations

from dataclasses import replace

from samples.simulators import github

CLIENT = github.CLIENT

VENDOR = replace(github.VENDOR, name="github_app", new_value=github.user_token)

"""The project and group access tokens of GitLab: the same vendor, whose tokens belong to bots."""

from __future__ import annotations

from dataclasses import replace

from samples.simulators import gitlab

VENDOR = replace(gitlab.VENDOR, name="gitlab_project")

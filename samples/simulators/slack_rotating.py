"""The tokens of a Slack app with token rotation: the same vendor, whose access tokens come in pairs with refresh tokens."""

from __future__ import annotations

from dataclasses import replace

from samples.simulators import slack

CLIENT, TEAM = slack.CLIENT, slack.TEAM

VENDOR = replace(slack.VENDOR, name="slack_rotating", new_value=slack.rotating)

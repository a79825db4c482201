"""Anthropic: API keys and administering keys; session tokens of its applications are not asked about."""

from __future__ import annotations

from keysweep.rotation.verifiers import Question, Sign

QUESTIONS = (
    Question(
        prefixes=("sk-ant-api03-",),
        url="https://api.anthropic.com/v1/models",
        headers={"x-api-key": "{key}", "anthropic-version": "2023-06-01"},
        alive=(
            Sign(200, '"data"'),
            Sign(403, '"permission_error"'),
        ),
        dead=(Sign(401, '"authentication_error"'),),
    ),
    Question(
        prefixes=("sk-ant-admin01-",),
        url="https://api.anthropic.com/v1/organizations/me",
        headers={"x-api-key": "{key}", "anthropic-version": "2023-06-01"},
        alive=(Sign(200, '"organization"'),),
        dead=(Sign(401, '"authentication_error"'),),
    ),
)

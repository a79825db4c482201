"""Notion."""

from __future__ import annotations

from keysweep.rotation.verifiers import Question, Sign

QUESTIONS = (
    Question(
        prefixes=("ntn_",),
        url="https://api.notion.com/v1/users/me",
        headers={"Authorization": "Bearer {key}", "Notion-Version": "2022-06-28"},
        alive=(Sign(200, '"object":"user"'),),
        dead=(Sign(401, '"unauthorized"'),),
    ),
)

"""OpenAI: the prefix of project, service-account and administering keys is its own; plain `sk-` is not and stays out."""

from __future__ import annotations

from keysweep.rotation.verifiers import BEARER, Question, Sign

QUESTIONS = (
    Question(
        prefixes=("sk-proj-", "sk-svcacct-"),
        url="https://api.openai.com/v1/models",
        headers=BEARER,
        alive=(
            Sign(200, '"data"'),
            Sign(403, "insufficientpermissions"),
        ),
        dead=(Sign(401, '"invalid_api_key"'),),
    ),
    Question(
        prefixes=("sk-admin-",),
        url="https://api.openai.com/v1/organization/admin_api_keys?limit=1",
        headers=BEARER,
        alive=(Sign(200, '"data"'),),
        dead=(Sign(401, '"invalid_api_key"'),),
    ),
)

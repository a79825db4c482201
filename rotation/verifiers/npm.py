"""npm: the public registry; tokens of private ones have no prefix of their own."""

from __future__ import annotations

from keysweep.rotation.verifiers import BEARER, Question, Sign

QUESTIONS = (
    Question(
        prefixes=("npm_",),
        url="https://registry.npmjs.org/-/whoami",
        headers=BEARER,
        alive=(Sign(200, '"username"'),),
        dead=(Sign(401, "{"),),
    ),
)

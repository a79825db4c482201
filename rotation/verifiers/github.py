"""GitHub: personal, application and installation tokens; refresh tokens can only be used up, so they stay out."""

from __future__ import annotations

from keysweep.rotation.verifiers import BEARER, Question, Sign

QUESTIONS = (
    Question(
        prefixes=("ghp_", "gho_", "ghu_", "github_pat_"),
        url="https://api.github.com/user",
        headers=BEARER,
        alive=(Sign(200, '"login"'),),
        dead=(Sign(401, '"Badcredentials"'),),
    ),
    Question(
        prefixes=("ghs_",),
        url="https://api.github.com/installation/repositories?per_page=1",
        headers=BEARER,
        alive=(Sign(200, '"repositories"'),),
        dead=(Sign(401, '"Badcredentials"'),),
    ),
)

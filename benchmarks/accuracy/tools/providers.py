"""From the names of peers' rules to providers: a vendor's name in the rule's name is the vendor."""

from __future__ import annotations

import re

from benchmarks.accuracy.corpus import DOCUMENTED
from keysweep.rules.ruleset import load_ruleset

_OTHER_NAMES = {
    "dop": "digitalocean", "postgres": "postgresql", "1password": "onepassword", "1-password": "onepassword",
    "vault": "hashicorp", "jira": "atlassian", "bitbucket": "atlassian", "confluence": "atlassian", "claude": "anthropic",
    "gemini": "google", "gcp": "google", "google": "google", "amazon": "aws", "bedrock": "aws", "jwt": "ambiguous",
    "json-web-token": "ambiguous", "private-key": "ambiguous", "pem": "ambiguous", "hugging-face": "huggingface",
    "openai": "openai", "open-router": "openrouter", "weights-and-biases": "wandb", "wandb": "wandb", "kimi": "moonshot",
    "z-ai": "zai", "zhipu": "zai", "mongo": "mongodb", "x-ai": "xai", "grok": "xai", "perplexity": "perplexity",
    "langchain": "langsmith", "together-ai": "together", "togetherai": "together", "stability-ai": "stability",
    "stabilityai": "stability", "eleven-labs": "elevenlabs", "llama-cloud": "llamacloud", "llamaindex": "llamacloud",
    "fal-ai": "fal", "brave": "brave", "fireworks": "fireworks", "siliconflow": "siliconflow", "microsoft": "azure",
    "rabbitmq": "amqp", "browseruse": "browser_use", "browser-use": "browser_use", "run-pod": "runpod",
}  # fmt: skip
"""Words of peers that are not the vendor's name."""
_TELLING = sorted(
    {
        **{kind.provider: kind.provider for kind in DOCUMENTED.values()},
        **{rule.provider: rule.provider for rule in load_ruleset().rules},
        **_OTHER_NAMES,
    }.items(),
    key=lambda item: -len(item[0]),
)


def provider_of(rule: str) -> str:
    """Return the provider that a rule's name tells; empty where it tells none."""
    name = re.sub(r"[^a-z0-9]+", "-", rule.lower())
    for word, provider in _TELLING:
        if word != "ambiguous" and f"-{word}-" in f"-{name}-":
            return provider
    return ""

"""Words and names for negatives: ordinary text of the kind that key-shaped patterns trip over."""

from __future__ import annotations

GERMAN = (
    "Rechtsschutzversicherungsgesellschaften", "Zugangsschluesselverwaltung", "Datenschutzgrundverordnung",
    "Bundesausbildungsfoerderungsgesetz", "Schluesselaustauschprotokoll", "Kennwortzuruecksetzung", "Aktualisierung",
    "Benutzerauthentifizierung", "die", "der", "und", "wird", "nicht", "mit", "Rindfleischetikettierung", "Geheimnis",
)  # fmt: skip
CHINESE = ("\u5bc6\u94a5", "\u8bf7\u4e0d\u8981", "\u4ee4\u724c", "\u4f7f\u7528", "\u8bbe\u7f6e", "\u793a\u4f8b", "\u751f\u6210\u7684", "\u7528\u6237", "\u5bc6\u7801", "\u914d\u7f6e\u6587\u4ef6")  # fmt: skip
ENGLISH = (
    "authentication", "token", "secret", "rotation", "gateway", "the", "of", "and", "password", "key", "credential",
    "provider", "request", "is", "stored", "environment", "variable", "deployment", "configuration", "internationalization",
)  # fmt: skip
PARTS = (
    "sk", "key", "token", "secret", "api", "auth", "client", "access", "refresh", "user", "test", "live", "proj", "ant",
    "hf", "hub", "npm", "gh", "pat", "fw", "fc", "r8", "pa", "ak", "as", "rpa", "llx", "jina", "nvapi", "xai", "cache",
    "bucket", "cluster", "manager", "handler", "factory", "response", "stream", "default", "internal", "legacy",
)  # fmt: skip
"""Parts of identifiers; many are the beginnings of keys too."""
NAMES = (
    "api_key",
    "token",
    "secret",
    "access_token",
    "auth_token",
    "client_secret",
    "password",
    "API_KEY",
    "secretKey",
)
"""Names that a key has."""
LOOSE = (
    "cache_key", "primary_key", "partition_key", "sort_key", "idempotency_key", "next_page_token", "continuation_token",
    "key_id", "keyId", "object_key", "routing_key", "page_token", "token_id", "secret_name", "foreign_key", "s3_key",
    "translation_key", "message_key", "dedup_key", "key_alias",
)  # fmt: skip
"""Names with such words that a key does not have."""

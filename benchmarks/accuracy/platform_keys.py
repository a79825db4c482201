"""Keys of the platforms that agents work on, from the vendors' documentation and not from our rules."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

from benchmarks.accuracy.chance import (
    Chance,
    atlassian,
    crc36,
    crc62,
    fine_grained,
    grafana,
    unpadded,
)
from benchmarks.accuracy.kinds import Kind, Shape

Make = Callable[[Chance], str]


def _summed(prefix: str, count: int) -> Make:
    def make(chance: Chance) -> str:
        body = chance.alnum(count)
        return prefix + body + crc62(body)

    return make


def _fine_grained(chance: Chance) -> str:
    body = f"github_pat_{chance.alnum(22)}_{chance.alnum(42)}"
    return body + fine_grained(body) + chance.alnum(9)


def _github_stateless(chance: Chance) -> str:
    return f"ghs_{chance.digits(6)}_{chance.jwt({'iss': 'github', 'iat': 1_790_000_000, 'exp': 1_790_003_600})}"


def _gitlab_routable(chance: Chance) -> str:
    payload = unpadded(chance.randbytes(16) + f"\no:1\nu:{chance.randrange(10**6):x}".encode())
    body = f"glpat-{payload}.01.{format(len(payload), '02x')}"
    return body + crc36(body)


def _atlassian(chance: Chance) -> str:
    body = f"ATATT3xFfGF0{chance.url(172)}="
    return body + atlassian(body)


def _grafana(chance: Chance) -> str:
    body = f"glsa_{chance.alnum(32)}"
    return f"{body}_{grafana(body)}"


def _pypi(chance: Chance) -> str:
    caveats = json.dumps([2, [chance.uuid()]]).encode()
    macaroon = b"\x02\x01\x08pypi.org\x02$" + chance.uuid().encode() + b"\x00\x02" + bytes([len(caveats)]) + caveats
    return "pypi-" + unpadded(macaroon + b"\x00\x00\x06 " + chance.randbytes(32))


def _discord(chance: Chance) -> str:
    snowflake = str(chance.randrange(8 * 10**17, 12 * 10**17))
    return f"{unpadded(snowflake.encode())}.{chance.text('GH', 1)}{chance.url(5)}.{chance.url(38)}"


def _sentry(chance: Chance) -> str:
    payload = {"iat": 1_790_000_000.5, "url": "https://sentry.io", "region_url": "https://us.sentry.io", "org": "acme"}
    return f"sntrys_{base64.b64encode(json.dumps(payload).encode()).decode()}_{chance.base64(43)}"


def _onepassword(chance: Chance) -> str:
    payload = {
        "signInAddress": "acme.1password.com",
        "userAuth": {"method": "SRPg-4096", "alg": "PBES2g-HS256", "iterations": 650000, "salt": chance.url(22)},
        "email": f"{chance.lower(13)}@1passwordserviceaccounts.com",
        "srpX": chance.hexa(64),
        "muk": {"alg": "A256GCM", "ext": True, "k": chance.url(43), "kty": "oct"},
        "secretKey": f"A3-{chance.upper(6)}-{chance.upper(6)}-{chance.upper(5)}",
        "throttleSecret": {"seed": chance.hexa(64), "uuid": chance.upper(26)},
        "deviceUuid": chance.lower(26),
    }
    return "ops_" + unpadded(json.dumps(payload, separators=(",", ":")).encode())


def _grafana_cloud(chance: Chance) -> str:
    payload = {"o": chance.digits(6), "n": "agent-push", "k": chance.alnum(24), "m": {"r": "prod-eu-west-2"}}
    return "glc_" + base64.b64encode(json.dumps(payload, separators=(",", ":")).encode()).decode()


def _supabase_service(chance: Chance) -> str:
    return chance.jwt(
        {"iss": "supabase", "ref": chance.lower(20), "role": "service_role", "iat": 1_790_000_000, "exp": 2_105_000_000}
    )


def _uri(scheme: str, port: int, path: str) -> Make:
    return lambda c: (
        f"{scheme}://svc_{c.lower(4)}:{c.alnum(12)}{c.text('-_~!', 1)}{c.alnum(6)}@db-{c.lower(4)}.internal:{port}{path}"
    )


def _password(uri: str) -> tuple[str, ...]:
    return (uri.partition("://")[2].partition("@")[0].partition(":")[2],)


def _pem(label: str) -> Make:
    def make(chance: Chance) -> str:
        body = base64.b64encode(chance.randbytes(300)).decode()
        lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
        return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----"

    return make


def _pem_forms(pem: str) -> tuple[str, ...]:
    """Return the ways in which a block stands in a string literal or behind an indent; whoever reports one has the key."""
    forms = [pem + "\n", pem.replace("\n", "\r\n")]
    for backslashes in (1, 2, 4, 8):
        escaped = pem.replace("\n", "\\" * backslashes + "n")
        forms += [escaped, escaped + "\\" * backslashes + "n"]
    forms += [pem.replace("\n", "\n" + " " * indent) for indent in (2, 4, 6, 8)]
    return tuple(forms)


KINDS = (
    Kind(id="github-classic", provider="github", name="GITHUB_TOKEN", fixed=True, proven=True, make=_summed("ghp_", 30)),
    Kind(id="github-oauth", provider="github", name="GH_TOKEN", fixed=True, proven=True, make=_summed("gho_", 30)),
    Kind(id="github-user", provider="github", name="GITHUB_TOKEN", fixed=True, proven=True, make=_summed("ghu_", 30)),
    Kind(id="github-server", provider="github", name="GITHUB_TOKEN", fixed=True, proven=True, make=_summed("ghs_", 30)),
    Kind(id="github-refresh", provider="github", name="REFRESH_TOKEN", fixed=True, proven=True, make=_summed("ghr_", 70)),
    Kind(id="github-fine-grained", provider="github", name="GITHUB_PERSONAL_ACCESS_TOKEN", fixed=True, make=_fine_grained),
    Kind(id="github-stateless", provider="github", name="GITHUB_TOKEN", make=_github_stateless),
    *(
        Kind(id=f"gitlab-{word}", provider="gitlab", name="GITLAB_TOKEN", make=lambda c, word=word: f"{word}-{c.url(20)}")
        for word in ("glpat", "gldt", "glrt", "glcbt", "glptt", "glft", "glimt", "glagent", "gloas", "glsoat", "glffct")
    ),
    Kind(id="gitlab-routable", provider="gitlab", name="GITLAB_TOKEN", proven=True, make=_gitlab_routable),
    Kind(id="gitlab-runner", provider="gitlab", name="REGISTRATION_TOKEN", make=lambda c: f"GR1348941{c.url(20)}"),
    Kind(id="npm", provider="npm", name="NPM_TOKEN", fixed=True, proven=True, make=_summed("npm_", 30)),
    *(
        Kind(id=f"vercel-{word}", provider="vercel", name="VERCEL_TOKEN", fixed=True, proven=True, make=_summed(f"{word}_", 50))
        for word in ("vcp", "vci", "vca", "vcr", "vck")
    ),
    Kind(id="pypi", provider="pypi", name="TWINE_PASSWORD", make=_pypi),
    Kind(id="cloudflare-user", provider="cloudflare", name="CLOUDFLARE_API_TOKEN", make=lambda c: f"cfut_{c.alnum(40)}{c.hexa(8)}"),
    Kind(id="cloudflare-account", provider="cloudflare", name="CLOUDFLARE_API_TOKEN", make=lambda c: f"cfat_{c.alnum(40)}{c.hexa(8)}"),
    Kind(id="cloudflare-old", provider="cloudflare", name="CLOUDFLARE_API_TOKEN", shape=Shape.NAMED, make=lambda c: c.url(40)),
    Kind(
        id="cloudflare-origin", provider="cloudflare", name="CLOUDFLARE_API_USER_SERVICE_KEY", fixed=True,
        make=lambda c: f"v1.0-{c.hexa(24)}-{c.hexa(146)}",
    ),
    Kind(id="slack-bot", provider="slack", name="SLACK_BOT_TOKEN", make=lambda c: f"xoxb-{c.digits(12)}-{c.digits(13)}-{c.alnum(24)}"),
    Kind(
        id="slack-user", provider="slack", name="SLACK_USER_TOKEN",
        make=lambda c: f"xoxp-{c.digits(12)}-{c.digits(12)}-{c.digits(13)}-{c.hexa(32)}",
    ),
    Kind(id="slack-app", provider="slack", name="SLACK_APP_TOKEN", make=lambda c: f"xapp-1-A{c.upper(10)}-{c.digits(13)}-{c.hexa(64)}"),
    Kind(
        id="slack-rotating", provider="slack", name="SLACK_TOKEN",
        make=lambda c: f"xoxe.xoxb-1-{c.base64(166).replace('+', 'A').replace('/', 'B')}",
    ),
    Kind(
        id="slack-webhook", provider="slack", name="SLACK_WEBHOOK_URL", shape=Shape.URI,
        make=lambda c: f"https://hooks.slack.com/services/T{c.upper(10)}/B{c.upper(10)}/{c.alnum(24)}",
    ),
    Kind(id="discord-bot", provider="discord", name="DISCORD_TOKEN", make=_discord),
    Kind(
        id="discord-webhook", provider="discord", name="DISCORD_WEBHOOK_URL", shape=Shape.URI,
        make=lambda c: f"https://discord.com/api/webhooks/{c.digits(19)}/{c.url(68)}",
    ),
    Kind(id="telegram", provider="telegram", name="TELEGRAM_BOT_TOKEN", make=lambda c: f"{c.digits(10)}:AA{c.url(33)}"),
    Kind(id="notion", provider="notion", name="NOTION_TOKEN", make=lambda c: f"ntn_{c.digits(11)}{c.alnum(35)}"),
    Kind(id="notion-old", provider="notion", name="NOTION_API_KEY", make=lambda c: f"secret_{c.alnum(43)}"),
    Kind(id="linear", provider="linear", name="LINEAR_API_KEY", fixed=True, make=lambda c: f"lin_api_{c.alnum(40)}"),
    Kind(id="atlassian", provider="atlassian", name="JIRA_API_TOKEN", proven=True, make=_atlassian),
    Kind(id="stripe-secret", provider="stripe", name="STRIPE_SECRET_KEY", make=lambda c: f"sk_live_51{c.alnum(97)}"),
    Kind(id="stripe-short", provider="stripe", name="STRIPE_API_KEY", make=lambda c: f"sk_live_{c.alnum(24)}"),
    Kind(id="stripe-restricted", provider="stripe", name="STRIPE_API_KEY", make=lambda c: f"rk_live_51{c.alnum(97)}"),
    Kind(id="stripe-test", provider="stripe", name="STRIPE_SECRET_KEY", make=lambda c: f"sk_test_51{c.alnum(97)}"),
    Kind(id="stripe-webhook", provider="stripe", name="STRIPE_WEBHOOK_SECRET", make=lambda c: f"whsec_{c.alnum(32)}"),
    Kind(
        id="twilio-auth", provider="twilio", name="TWILIO_AUTH_TOKEN", shape=Shape.NAMED, make=lambda c: c.hexa(32),
        beside=lambda c: (("TWILIO_ACCOUNT_SID", f"AC{c.hexa(32)}"),),
    ),
    Kind(
        id="twilio-key", provider="twilio", name="TWILIO_API_SECRET", shape=Shape.NAMED, make=lambda c: c.alnum(32),
        beside=lambda c: (("TWILIO_API_KEY", f"SK{c.hexa(32)}"),),
    ),
    Kind(id="sendgrid", provider="sendgrid", name="SENDGRID_API_KEY", fixed=True, make=lambda c: f"SG.{c.url(22)}.{c.url(43)}"),
    Kind(id="databricks", provider="databricks", name="DATABRICKS_TOKEN", make=lambda c: f"dapi{c.hexa(32)}"),
    Kind(id="databricks-numbered", provider="databricks", name="DATABRICKS_TOKEN", make=lambda c: f"dapi{c.hexa(32)}-{c.choice('234')}"),
    Kind(id="supabase-personal", provider="supabase", name="SUPABASE_ACCESS_TOKEN", fixed=True, make=lambda c: f"sbp_{c.hexa(40)}"),
    Kind(id="supabase-secret", provider="supabase", name="SUPABASE_SECRET_KEY", make=lambda c: f"sb_secret_{c.url(22)}_{c.url(8)}"),
    Kind(id="supabase-service", provider="supabase", name="SUPABASE_SERVICE_ROLE_KEY", make=_supabase_service),
    Kind(id="neon", provider="neon", name="NEON_API_KEY", fixed=True, make=lambda c: f"napi_{c.lower(64)}"),
    Kind(id="sentry-org", provider="sentry", name="SENTRY_AUTH_TOKEN", make=_sentry),
    Kind(id="sentry-user", provider="sentry", name="SENTRY_AUTH_TOKEN", fixed=True, make=lambda c: f"sntryu_{c.hexa(64)}"),
    Kind(id="datadog-api", provider="datadog", name="DD_API_KEY", shape=Shape.NAMED, make=lambda c: c.hexa(32)),
    Kind(id="datadog-app", provider="datadog", name="DD_APP_KEY", shape=Shape.NAMED, make=lambda c: c.hexa(40)),
    Kind(id="grafana", provider="grafana", name="GRAFANA_TOKEN", fixed=True, proven=True, make=_grafana),
    Kind(id="grafana-cloud", provider="grafana", name="GRAFANA_CLOUD_TOKEN", make=_grafana_cloud),
    Kind(id="vault-service", provider="hashicorp", name="VAULT_TOKEN", make=lambda c: f"hvs.CAESI{c.url(90)}"),
    Kind(id="vault-batch", provider="hashicorp", name="VAULT_TOKEN", make=lambda c: f"hvb.AAAAAQ{c.url(140)}"),
    Kind(id="doppler", provider="doppler", name="DOPPLER_TOKEN", make=lambda c: f"dp.pt.{c.alnum(43)}"),
    Kind(id="onepassword", provider="onepassword", name="OP_SERVICE_ACCOUNT_TOKEN", make=_onepassword),
    Kind(id="digitalocean", provider="digitalocean", name="DIGITALOCEAN_TOKEN", fixed=True, make=lambda c: f"dop_v1_{c.hexa(64)}"),
    Kind(id="bitbucket", provider="atlassian", name="BITBUCKET_APP_PASSWORD", make=lambda c: f"ATBB{c.alnum(24)}{c.text('0123456789ABCDEF', 8)}"),
    Kind(id="postgresql-uri", provider="postgresql", name="DATABASE_URL", shape=Shape.URI, make=_uri("postgres", 5432, "/app"), exact=_password),
    Kind(
        id="postgresql-uri-options", provider="postgresql", name="DATABASE_URL", shape=Shape.URI,
        make=_uri("postgresql", 5432, "/app?sslmode=require"), exact=_password,
    ),
    Kind(id="mysql-uri", provider="mysql", name="DATABASE_URL", shape=Shape.URI, make=_uri("mysql", 3306, "/app"), exact=_password),
    Kind(id="mongodb-uri", provider="mongodb", name="MONGODB_URI", shape=Shape.URI, make=_uri("mongodb", 27017, "/app"), exact=_password),
    Kind(
        id="mongodb-srv-uri", provider="mongodb", name="MONGODB_URI", shape=Shape.URI,
        make=lambda c: f"mongodb+srv://app:{c.alnum(16)}@cluster0.{c.lower(6)}.mongodb.net/?retryWrites=true",
        exact=_password,
    ),
    Kind(id="redis-uri", provider="redis", name="REDIS_URL", shape=Shape.URI, make=_uri("redis", 6379, "/0"), exact=_password),
    Kind(id="amqp-uri", provider="amqp", name="AMQP_URL", shape=Shape.URI, make=_uri("amqps", 5671, "/jobs"), exact=_password),
    Kind(
        id="jwt", provider="ambiguous", name="ACCESS_TOKEN",
        make=lambda c: c.jwt({"sub": c.uuid(), "iss": "https://login.acme.dev/", "exp": 1_795_000_000, "scope": "tools"}),
    ),
    *(
        Kind(
            id=f"pem-{label.split()[0].lower()}", provider="ambiguous", name="PRIVATE_KEY", shape=Shape.BLOCK,
            make=_pem(label), exact=_pem_forms,
        )
        for label in ("PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY")
    ),
)  # fmt: skip
"""Table 4.3 of the format notes."""

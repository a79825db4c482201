"""Keys of model providers and of inference services, from the vendors' documentation and not from our rules."""

from __future__ import annotations

import base64
import json

from benchmarks.accuracy.chance import Chance
from benchmarks.accuracy.kinds import Kind, Shape

_MARK = "T3BlbkFJ"
"""base64 of `OpenAI`."""


def _openai(prefix: str, half: int) -> object:
    return lambda c: f"{prefix}{c.url(half)}{_MARK}{c.url(half)}"


def _bedrock_long(chance: Chance) -> str:
    name = f"BedrockAPIKey-{chance.lower(4)}-at-{chance.digits(12)}:{chance.base64(44)}"
    return "ABSK" + base64.b64encode(name.encode()).decode().rstrip("=")


def _bedrock_short(chance: Chance) -> str:
    url = (
        "bedrock.amazonaws.com/?Action=CallWithBearerToken&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="
        f"ASIA{chance.base32(16)}%2F20261124%2Fus-east-1%2Fbedrock%2Faws4_request&X-Amz-Date=20261124T100000Z"
        f"&X-Amz-Expires=43200&X-Amz-Security-Token={chance.alnum(220)}&X-Amz-SignedHeaders=host"
        f"&X-Amz-Signature={chance.hexa(64)}&Version=1"
    )
    return "bedrock-api-key-" + base64.b64encode(url.encode()).decode()


def _kimi(chance: Chance) -> str:
    return f"sk-{chance.alnum(48)}"


def _azure_new(chance: Chance) -> str:
    return f"{chance.alnum(52)}JQQJ99BD{chance.alnum(12)}AAABACOG{chance.alnum(4)}"


def _vertex(chance: Chance) -> str:
    header = {"alg": "RS256", "kid": chance.hexa(40), "typ": "JWT"}
    head = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
    claims = {"iss": "https://accounts.google.com", "aud": "gateway", "exp": 1_795_000_000, "sub": chance.digits(21)}
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"{head}.{body}.{chance.url(342)}"


KINDS = (
    Kind(
        id="anthropic-api", provider="anthropic", name="ANTHROPIC_API_KEY", fixed=True,
        make=lambda c: f"sk-ant-api03-{c.url(93)}AA",
    ),
    Kind(
        id="anthropic-admin", provider="anthropic", name="ANTHROPIC_ADMIN_KEY", fixed=True,
        make=lambda c: f"sk-ant-admin01-{c.url(93)}AA",
    ),
    Kind(
        id="anthropic-oauth-access", provider="anthropic", name="CLAUDE_CODE_OAUTH_TOKEN",
        make=lambda c: f"sk-ant-oat01-{c.url(86)}-{c.url(6)}AA",
    ),
    Kind(
        id="anthropic-oauth-refresh", provider="anthropic", name="REFRESH_TOKEN",
        make=lambda c: f"sk-ant-ort01-{c.url(86)}-{c.url(6)}AA",
    ),
    Kind(
        id="openai-legacy", provider="openai", name="OPENAI_API_KEY", fixed=True,
        make=lambda c: f"sk-{c.alnum(20)}{_MARK}{c.alnum(20)}",
    ),
    Kind(id="openai-project", provider="openai", name="OPENAI_API_KEY", fixed=True, make=_openai("sk-proj-", 74)),
    Kind(id="openai-project-58", provider="openai", name="OPENAI_API_KEY", make=_openai("sk-proj-", 58)),
    Kind(id="openai-project-20", provider="openai", name="OPENAI_API_KEY", make=_openai("sk-proj-", 20)),
    Kind(id="openai-service", provider="openai", name="OPENAI_API_KEY", fixed=True, make=_openai("sk-svcacct-", 74)),
    Kind(id="openai-admin", provider="openai", name="OPENAI_ADMIN_KEY", fixed=True, make=_openai("sk-admin-", 74)),
    Kind(id="google-api", provider="google", name="GOOGLE_API_KEY", fixed=True, make=lambda c: f"AIzaSy{c.url(33)}"),
    Kind(id="google-express", provider="google", name="GEMINI_API_KEY", make=lambda c: f"AQ.Ab8RN6{c.url(44)}"),
    Kind(
        id="google-client-secret", provider="google", name="GOOGLE_CLIENT_SECRET", fixed=True,
        make=lambda c: f"GOCSPX-{c.url(28)}",
    ),
    Kind(id="google-access", provider="google", name="ACCESS_TOKEN", make=lambda c: f"ya29.a0A{c.url(210)}"),
    Kind(
        id="google-refresh", provider="google", name="GOOGLE_REFRESH_TOKEN",
        make=lambda c: f"1//0{c.text('1349', 1)}{c.url(96)}",
    ),
    Kind(id="azure-openai", provider="azure", name="AZURE_OPENAI_API_KEY", shape=Shape.NAMED, make=lambda c: c.hexa(32)),
    Kind(id="azure-openai-84", provider="azure", name="AZURE_OPENAI_API_KEY", make=_azure_new),
    Kind(
        id="aws-secret", provider="aws", name="AWS_SECRET_ACCESS_KEY", shape=Shape.NAMED, make=lambda c: c.base64(40),
        beside=lambda c: (("AWS_ACCESS_KEY_ID", f"AKIA{c.base32(16)}"),),
    ),
    Kind(id="bedrock-long", provider="aws", name="AWS_BEARER_TOKEN_BEDROCK", make=_bedrock_long),
    Kind(id="bedrock-short", provider="aws", name="AWS_BEARER_TOKEN_BEDROCK", make=_bedrock_short),
    Kind(id="mistral", provider="mistral", name="MISTRAL_API_KEY", shape=Shape.NAMED, make=lambda c: c.alnum(32)),
    Kind(id="cohere", provider="cohere", name="CO_API_KEY", shape=Shape.NAMED, make=lambda c: c.alnum(40)),
    Kind(
        id="groq", provider="groq", name="GROQ_API_KEY", fixed=True,
        make=lambda c: f"gsk_{c.alnum(20)}WGdyb3FY{c.alnum(24)}",
    ),
    Kind(id="xai", provider="xai", name="XAI_API_KEY", make=lambda c: f"xai-{c.alnum(80)}"),
    Kind(id="xai-management", provider="xai", name="XAI_MANAGEMENT_KEY", make=lambda c: f"xai-token-{c.alnum(80)}"),
    Kind(id="perplexity", provider="perplexity", name="PERPLEXITY_API_KEY", fixed=True, make=lambda c: f"pplx-{c.alnum(48)}"),
    Kind(id="deepseek", provider="deepseek", name="DEEPSEEK_API_KEY", shape=Shape.NAMED, make=lambda c: f"sk-{c.hexa(32)}"),
    Kind(id="together", provider="together", name="TOGETHER_API_KEY", fixed=True, make=lambda c: f"tgp_v1_{c.url(43)}"),
    Kind(id="together-old", provider="together", name="TOGETHER_API_KEY", shape=Shape.NAMED, make=lambda c: c.hexa(64)),
    Kind(id="fireworks", provider="fireworks", name="FIREWORKS_API_KEY", make=lambda c: f"fw_{c.alnum(24)}"),
    Kind(id="replicate", provider="replicate", name="REPLICATE_API_TOKEN", fixed=True, make=lambda c: f"r8_{c.alnum(37)}"),
    Kind(id="huggingface", provider="huggingface", name="HF_TOKEN", fixed=True, make=lambda c: f"hf_{c.letters(34)}"),
    Kind(id="huggingface-org", provider="huggingface", name="HF_TOKEN", fixed=True, make=lambda c: f"api_org_{c.letters(34)}"),
    Kind(id="openrouter", provider="openrouter", name="OPENROUTER_API_KEY", fixed=True, make=lambda c: f"sk-or-v1-{c.hexa(64)}"),
    Kind(id="cerebras", provider="cerebras", name="CEREBRAS_API_KEY", fixed=True, make=lambda c: f"csk-{c.lower(48)}"),
    Kind(id="nvidia", provider="nvidia", name="NVIDIA_API_KEY", make=lambda c: f"nvapi-{c.url(64)}"),
    Kind(id="kimi", provider="moonshot", name="MOONSHOT_API_KEY", shape=Shape.NAMED, make=_kimi),
    Kind(id="zai", provider="zai", name="ZAI_API_KEY", make=lambda c: f"{c.hexa(32)}.{c.alnum(16)}"),
    Kind(id="siliconflow", provider="siliconflow", name="SILICONFLOW_API_KEY", shape=Shape.NAMED, make=lambda c: f"sk-{c.text('abcdefghijklmnopqrstuvwxyz', 48)}"),
    Kind(id="baseten", provider="baseten", name="BASETEN_API_KEY", shape=Shape.NAMED, make=lambda c: f"{c.alnum(8)}.{c.alnum(32)}"),
    Kind(
        id="modal", provider="modal", name="MODAL_TOKEN_SECRET", make=lambda c: f"as-{c.alnum(22)}", shape=Shape.NAMED,
        beside=lambda c: (("MODAL_TOKEN_ID", f"ak-{c.alnum(22)}"),),
    ),
    Kind(id="friendli", provider="friendli", name="FRIENDLI_TOKEN", make=lambda c: f"flp_{c.alnum(46)}"),
    Kind(id="runpod", provider="runpod", name="RUNPOD_API_KEY", make=lambda c: f"rpa_{c.upper(40)}{c.lower(6)}"),
    Kind(id="ai21", provider="ai21", name="AI21_API_KEY", shape=Shape.NAMED, make=lambda c: c.uuid()),
    Kind(id="fal", provider="fal", name="FAL_KEY", make=lambda c: f"{c.uuid()}:{c.hexa(32)}", shape=Shape.NAMED),
    Kind(id="voyage", provider="voyage", name="VOYAGE_API_KEY", make=lambda c: f"pa-{c.url(43)}"),
    Kind(id="jina", provider="jina", name="JINA_API_KEY", make=lambda c: f"jina_{c.hexa(32)}{c.url(28)}"),
    Kind(id="llamacloud", provider="llamacloud", name="LLAMA_CLOUD_API_KEY", make=lambda c: f"llx-{c.alnum(48)}"),
    Kind(id="ollama", provider="ollama", name="OLLAMA_API_KEY", shape=Shape.NAMED, make=lambda c: f"{c.hexa(32)}.{c.alnum(24)}"),
    Kind(id="elevenlabs", provider="elevenlabs", name="ELEVENLABS_API_KEY", fixed=True, make=lambda c: f"sk_{c.hexa(48)}"),
    Kind(id="elevenlabs-old", provider="elevenlabs", name="ELEVENLABS_API_KEY", shape=Shape.NAMED, make=lambda c: c.hexa(32)),
    Kind(id="assemblyai", provider="assemblyai", name="ASSEMBLYAI_API_KEY", shape=Shape.NAMED, make=lambda c: c.hexa(32)),
    Kind(id="deepgram", provider="deepgram", name="DEEPGRAM_API_KEY", shape=Shape.NAMED, make=lambda c: c.hexa(40)),
    Kind(id="stability", provider="stability", name="STABILITY_API_KEY", shape=Shape.NAMED, make=_kimi),
    Kind(id="cartesia", provider="cartesia", name="CARTESIA_API_KEY", make=lambda c: f"sk_car_{c.alnum(20)}"),
    Kind(id="google-identity", provider="ambiguous", name="ID_TOKEN", make=_vertex),
)  # fmt: skip
"""Tables 4.1 of the format notes; a fixed length only where several sources agree on it."""

"""Keys of agent tooling, retrieval and observability, from the vendors' documentation and not from our rules."""

from __future__ import annotations

from benchmarks.accuracy.kinds import Kind, Shape

KINDS = (
    Kind(
        id="langsmith-personal", provider="langsmith", name="LANGSMITH_API_KEY", fixed=True,
        make=lambda c: f"lsv2_pt_{c.hexa(32)}_{c.hexa(10)}",
    ),
    Kind(
        id="langsmith-service", provider="langsmith", name="LANGCHAIN_API_KEY", fixed=True,
        make=lambda c: f"lsv2_sk_{c.hexa(32)}_{c.hexa(10)}",
    ),
    Kind(
        id="langfuse", provider="langfuse", name="LANGFUSE_SECRET_KEY", make=lambda c: f"sk-lf-{c.uuid()}",
        beside=lambda c: (("LANGFUSE_PUBLIC_KEY", f"pk-lf-{c.uuid()}"),),
    ),
    Kind(id="wandb-old", provider="wandb", name="WANDB_API_KEY", shape=Shape.NAMED, make=lambda c: c.hexa(40)),
    Kind(id="wandb", provider="wandb", name="WANDB_API_KEY", make=lambda c: f"wandb_v1_{c.url(77)}"),
    Kind(id="pinecone", provider="pinecone", name="PINECONE_API_KEY", fixed=True, make=lambda c: f"pcsk_{c.alnum(5)}_{c.alnum(63)}"),
    Kind(id="pinecone-old", provider="pinecone", name="PINECONE_API_KEY", shape=Shape.NAMED, make=lambda c: c.uuid()),
    Kind(id="tavily", provider="tavily", name="TAVILY_API_KEY", make=lambda c: f"tvly-{c.alnum(32)}"),
    Kind(id="tavily-dev", provider="tavily", name="TAVILY_API_KEY", make=lambda c: f"tvly-dev-{c.alnum(32)}"),
    Kind(id="exa", provider="exa", name="EXA_API_KEY", shape=Shape.NAMED, make=lambda c: c.uuid()),
    Kind(id="brave", provider="brave", name="BRAVE_API_KEY", make=lambda c: f"BSA{c.url(28)}"),
    Kind(id="serpapi", provider="serpapi", name="SERPAPI_API_KEY", shape=Shape.NAMED, make=lambda c: c.hexa(64)),
    Kind(id="firecrawl", provider="firecrawl", name="FIRECRAWL_API_KEY", fixed=True, make=lambda c: f"fc-{c.hexa(32)}"),
    Kind(id="browserbase", provider="browserbase", name="BROWSERBASE_API_KEY", make=lambda c: f"bb_live_{c.url(27)}"),
    Kind(id="browser-use", provider="browser_use", name="BROWSER_USE_API_KEY", make=lambda c: f"bu_{c.url(43)}"),
    Kind(id="e2b", provider="e2b", name="E2B_API_KEY", fixed=True, make=lambda c: f"e2b_{c.hexa(40)}"),
    Kind(id="composio", provider="composio", name="COMPOSIO_API_KEY", make=lambda c: f"ak_{c.url(20)}", shape=Shape.NAMED),
    Kind(id="cursor", provider="cursor", name="CURSOR_API_KEY", fixed=True, make=lambda c: f"key_{c.hexa(64)}"),
    Kind(id="devin-user", provider="devin", name="DEVIN_API_KEY", make=lambda c: f"apk_user_{c.base64(150)}"),
    Kind(id="devin", provider="devin", name="DEVIN_API_KEY", make=lambda c: f"cog_{c.text('abcdefghijklmnopqrstuvwxyz234567', 52)}"),
    Kind(id="mem0", provider="mem0", name="MEM0_API_KEY", make=lambda c: f"m0-{c.alnum(40)}"),
    Kind(id="apify", provider="apify", name="APIFY_TOKEN", make=lambda c: f"apify_api_{c.alnum(36)}"),
    Kind(id="posthog-personal", provider="posthog", name="POSTHOG_PERSONAL_API_KEY", make=lambda c: f"phx_{c.alnum(43)}"),
    Kind(id="openclaw", provider="openclaw", name="OPENCLAW_GATEWAY_TOKEN", shape=Shape.NAMED, make=lambda c: c.hexa(48)),
    Kind(id="prefect", provider="prefect", name="PREFECT_API_KEY", make=lambda c: f"pnu_{c.alnum(36)}"),
    Kind(
        id="zapier-hook", provider="zapier", name="ZAPIER_WEBHOOK_URL", shape=Shape.URI,
        make=lambda c: f"https://hooks.zapier.com/hooks/catch/{c.digits(8)}/{c.lower(7)}/",
        exact=lambda value: (value.rstrip("/"),),
    ),
)  # fmt: skip
"""Table 4.2 of the format notes."""

"""Lists that come in pages: read to their end, and not beyond: a vendor whose list does not end holds no rotation up."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from keysweep.foundation.secret import Secret
from keysweep.rotation import provider_catalog
from keysweep.rotation.providers import Account, ProviderError, Trouble
from keysweep.rotation.vendor import pages
from tests.fakes.fixtures import vendors
from tests.fakes.vendors import Vendors

__all__ = ["vendors"]


def test_every_page_is_read_once() -> None:
    """In order; an empty page in the middle is none that ends the list."""
    told = {"": ([1, 2], "b"), "b": ([], "c"), "c": ([3], "")}
    asked: list[str] = []

    def page(at: str) -> tuple[list[object], str]:
        asked.append(at)
        rows, following = told[at]
        return list(rows), following

    assert list(pages(page)) == [1, 2, 3]
    assert asked == ["", "b", "c"]


@pytest.mark.parametrize(
    ("following", "asked"),
    [(lambda _: "same", 2), (lambda at: str(int(at or 0) + 1), 1000)],
    ids=["comes back", "goes on"],
)
def test_a_list_that_does_not_end_is_none(following: Callable[[str], str], asked: int) -> None:
    """One that comes back to a page is found out at once, one that always names another after a thousand."""
    seen: list[str] = []

    def page(at: str) -> tuple[list[object], str]:
        seen.append(at)
        return [], following(at)

    with pytest.raises(ProviderError, match="does not end") as failed:
        list(pages(page))
    assert failed.value.trouble is Trouble.UNREADABLE
    assert len(seen) == asked


_KEY = {
    "id": "1",
    "hash": "1",
    "name": "k",
    "sid": "1",
    "attributes": {},
    "partial_key_hint": "",
    "status": "active",
    "created_at": "t",
}
ENDLESS = {
    "anthropic": ({}, {"data": [_KEY], "has_more": True, "last_id": "1"}),
    "openai_admin": ({}, {"data": [_KEY], "has_more": True}),
    "google_api_key": ({"project_id": "p"}, {"keys": [], "nextPageToken": "same"}),
    "twilio": ({"account_sid": "A"}, {"keys": [_KEY], "meta": {"next_page_url": "https://x.example/?Page=1&PageToken=t"}}),
}  # fmt: skip


@pytest.mark.parametrize("name", ENDLESS)
def test_no_vendor_keeps_us_reading(name: str, vendors: Vendors, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that answers every page with the same page is asked twice, not for ever."""
    settings, body = ENDLESS[name]
    vendors.answer(name, "GET", "", 200, body)
    admin = Secret(f"SID:{vendors.seed(name, 'admin', admin=True).value}")
    account = Account(
        credential="it", settings={"base_url": f"{vendors.url}/{name}", **settings}, admin=admin, timeout_s=5
    )
    monkeypatch.setattr("keysweep.rotation.providers.google_api_key.google_admin", lambda _: Secret("token"))
    find = provider_catalog.get(name).find
    assert find is not None
    with pytest.raises(ProviderError, match="does not end"):
        find(account)

"""What every provider that is called over HTTP promises, held to on its simulator: one subclass a provider, in its own test file."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from keysweep.foundation.secret import Secret
from keysweep.rotation import provider_catalog
from keysweep.rotation.providers import Account, Liveness, Provider, ProviderError, Trouble
from tests.fakes.canaries import forms
from tests.fakes.vendors import Planted, Vendors


class HttpContract:
    """Subclass it as `TestContract`, next to the tests that are about this provider alone."""

    name: str
    """Of the provider, and of its simulator."""
    settings: tuple[tuple[str, str], ...] = ()
    """Names and values, beside `base_url`."""
    probing: tuple[str, str] = ("GET", "")
    """Method, and part of the path, of the call by which a key is probed."""
    listing: tuple[str, str] | None = ("GET", "")
    """The same of the call that lists keys; None for a vendor that has none."""
    minting: str = ""
    """Part of the path of the call that mints a key, for a vendor that is asked for a token first."""
    forbidden: Liveness = Liveness.ALIVE
    """What status 403 says of a key."""
    by_id: bool = True
    """Keys are ended by their id; False for a vendor that takes the value."""

    @property
    def provider(self) -> Provider:
        """Under test."""
        return provider_catalog.get(self.name)

    def account(self, vendors: Vendors, **more: object) -> Account:
        """Return an account at the simulator, with an administering key that it knows."""
        settings = {"base_url": f"{vendors.url}/{self.name}", **dict(self.settings)}
        admin = Secret(vendors.seed(self.name, "admin", admin=True).value)
        return replace(Account(credential="a-credential", settings=settings, admin=admin), **more)  # type: ignore[arg-type]

    def ended(self, vendors: Vendors) -> Planted:
        """Return a key that the vendor refuses."""
        return vendors.seed(self.name, "agent", status="inactive")

    def test_revoking_twice_is_success(self, vendors: Vendors) -> None:
        """A revocation may be repeated after a crash; a key that is gone is success."""
        account, key = self.account(vendors), vendors.seed(self.name, "agent")
        if self.provider.revoke is None:
            pytest.skip("ends with the arrival of the new value")
        assert self.provider.probe(account, Secret(key.value)).liveness is Liveness.ALIVE
        for _ in range(2):
            self.provider.revoke(replace(account, key_id=key.id), key.id, Secret(key.value))
        assert self.provider.probe(account, Secret(key.value)).liveness is Liveness.DEAD

    def test_an_id_that_nobody_knows_is_success(self, vendors: Vendors) -> None:
        """404 means that the key is gone; whether it is, the probe decides."""
        if self.provider.revoke is None or not self.by_id:
            pytest.skip("no key is ended by its id")
        self.provider.revoke(self.account(vendors), "key_that/never was", Secret(b""))

    def test_nothing_is_revoked_without_an_id(self, vendors: Vendors) -> None:
        """A key is addressed by its own id, never by a guess."""
        if self.provider.revoke is None or not self.by_id:
            pytest.skip("no key is ended by its id")
        with pytest.raises(ProviderError) as refused:
            self.provider.revoke(self.account(vendors), None, Secret("value"))
        assert refused.value.trouble is Trouble.REJECTED

    @pytest.mark.parametrize(
        ("fault", "more"),
        [
            pytest.param("busy", {}, id="429"),
            pytest.param("status", {"status": 500}, id="500"),
            pytest.param("status", {"status": 401}, id="401 that is not the vendor's own refusal"),
            pytest.param("status", {"status": 404}, id="404"),
            pytest.param("status", {"status": 403}, id="403"),
            pytest.param("lose-answer", {}, id="no answer"),
            pytest.param("slow", {"seconds": 0.4}, id="too late an answer"),
        ],
    )
    def test_only_the_vendors_own_refusal_means_dead(
        self, fault: str, more: dict[str, object], vendors: Vendors
    ) -> None:
        """Throttling, errors, silence and strangers' answers are neither yes nor no."""
        key, (method, path) = self.ended(vendors), self.probing
        vendors.fault(self.name, fault, method=method, path=path, **more)
        account = self.account(vendors, timeout_s=0.2 if fault == "slow" else 10.0)
        expected = self.forbidden if more.get("status") == 403 else Liveness.UNKNOWN
        assert self.provider.probe(account, Secret(key.value)).liveness is expected
        assert self.provider.probe(replace(account, timeout_s=10.0), Secret(key.value)).liveness is Liveness.DEAD

    def test_a_vendor_that_cannot_be_reached_is_unknown(self, vendors: Vendors) -> None:
        """A refused connection says nothing about a key."""
        account = self.account(vendors, settings={**dict(self.settings), "base_url": "http://127.0.0.1:9"})
        verdict = self.provider.probe(account, Secret(vendors.seed(self.name, "agent").value))
        assert verdict.liveness is Liveness.UNKNOWN

    def test_keys_are_not_sent_in_the_clear(self, vendors: Vendors) -> None:
        """Without TLS only this machine is called."""
        account = self.account(vendors, settings={**dict(self.settings), "base_url": "http://vendor.example"})
        verdict = self.provider.probe(account, Secret(vendors.seed(self.name, "agent").value))
        assert (verdict.liveness, verdict.code) == (Liveness.UNKNOWN, "rejected")

    @pytest.mark.parametrize(
        ("fault", "more", "trouble"),
        [
            pytest.param("busy", {}, Trouble.BUSY, id="429"),
            pytest.param("status", {"status": 401}, Trouble.REFUSED, id="401"),
            pytest.param("status", {"status": 403}, Trouble.REFUSED, id="403"),
            pytest.param("status", {"status": 500}, Trouble.UNCERTAIN, id="500"),
            pytest.param("lose-answer", {}, Trouble.UNCERTAIN, id="no answer"),
            pytest.param("garbage", {}, Trouble.UNREADABLE, id="a page instead of an answer"),
        ],
    )
    def test_errors_say_what_may_be_done_and_hold_no_key(
        self, fault: str, more: dict[str, object], trouble: Trouble, vendors: Vendors, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The trouble is named, and neither the error, nor its causes, nor any log line holds the administering key."""
        if self.provider.find is None or self.listing is None:
            pytest.skip("the vendor lists no keys")
        caplog.set_level(logging.DEBUG)
        account, (method, path) = self.account(vendors), self.listing
        vendors.fault(self.name, fault, method=method, path=path, **more)
        with pytest.raises(ProviderError) as failed:
            self.provider.find(account)
        assert failed.value.trouble is trouble
        assert failed.value.__cause__ is None
        assert account.admin is not None
        said = f"{failed.value!r} {failed.value.__context__!r} {caplog.text}".encode()
        assert [form for form, needle in forms(account.admin.reveal_text()).items() if needle in said] == []

    @pytest.mark.parametrize("fault", ["busy", "lose-answer", "fail-after"])
    def test_a_mint_is_tried_once(self, fault: str, vendors: Vendors) -> None:
        """The adapter never repeats it: whether that is safe is the engine's to decide."""
        if self.provider.mint is None:
            pytest.skip("the vendor mints no keys")
        account = self.account(vendors)
        before = len(vendors.keys(self.name))
        for method in ("POST", "PUT"):
            vendors.fault(self.name, fault, method=method, path=self.minting, count=1)
        with pytest.raises(ProviderError):
            self.provider.mint(account, "keysweep-test-1")
        assert len(vendors.keys(self.name)) - before == (0 if fault == "busy" else 1)

    def test_a_minted_key_works_is_listed_by_its_tag_and_ends(self, vendors: Vendors) -> None:
        """From mint to revocation by what the adapter itself says of the key."""
        provider, account = self.provider, self.account(vendors)
        if provider.mint is None:
            pytest.skip("the vendor mints no keys")
        assert provider.read_minted is not None
        assert provider.find is not None
        assert provider.revoke is not None
        minted = provider.read_minted(provider.mint(account, "keysweep-test-1"))
        assert provider.probe(account, minted.secret).liveness is Liveness.ALIVE
        tagged = [key.key_id for key in provider.find(account) if key.active and key.name.startswith("keysweep-test-")]
        if provider.facts.tag_limit:
            assert tagged == [minted.key_id]
        provider.revoke(account, minted.key_id, minted.secret)
        assert provider.probe(account, minted.secret).liveness is Liveness.DEAD

    def test_every_key_is_listed_whatever_the_page_size(self, vendors: Vendors) -> None:
        """An orphan on the last page is found, and one that was never used."""
        if self.provider.find is None or self.listing is None:
            pytest.skip("the vendor lists no keys")
        account = self.account(vendors)
        made = {vendors.seed(self.name, f"agent {number}").id for number in range(230)}
        assert made <= {key.key_id for key in self.provider.find(account)}

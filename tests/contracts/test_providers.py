"""Every provider keeps the promises of its seam; what HTTP ones promise beyond is in `http_provider`, what each alone in its own file."""

from __future__ import annotations

import pytest

from keysweep.rotation import provider_catalog
from keysweep.rotation.providers import Kind

_NAMES = provider_catalog.names()


@pytest.mark.parametrize("name", _NAMES)
def test_its_facts_fit_its_functions(name: str) -> None:
    """What the class of a provider promises is there, and nothing that it does not have is pretended."""
    provider = provider_catalog.get(name)
    needed = {
        Kind.MINT: (provider.mint, provider.read_minted, provider.find, provider.revoke),
        Kind.MINT_READABLE: (provider.mint, provider.read_minted, provider.find, provider.revoke, provider.read_back),
        Kind.ROLL: (provider.roll, provider.read_minted, provider.observe),
        Kind.SET_VALUE: (provider.generate, provider.set_value, provider.revoke),
        Kind.DEACTIVATE_ONLY: (provider.revoke,),
        Kind.MANUAL: (provider.runbook,),
    }.get(provider.facts.kind, ())
    assert None not in needed
    assert (provider.mint is not None) is (provider.facts.kind in {Kind.MINT, Kind.MINT_READABLE})
    assert (provider.roll is not None) is (provider.facts.kind is Kind.ROLL)
    assert (provider.activate is None) is (provider.deactivate is None)
    assert provider.facts.max_live_keys is None or provider.mint is None or provider.find is not None
    assert (provider.deactivate is not None) is provider.facts.disable_reversible
    assert provider.title
    assert provider.facts.proven_on

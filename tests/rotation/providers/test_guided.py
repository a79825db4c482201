"""Guided vendors: what each is asked, and what its answers are taken for, on the simulator of their harmless calls."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from keysweep.foundation.secret import Secret
from keysweep.rotation import provider_catalog
from keysweep.rotation.providers import Account, Kind, Liveness
from keysweep.rotation.questions import questions
from samples.simulators.guided import CONSOLES
from tests.contracts.http_provider import HttpContract
from tests.fakes.fixtures import vendors
from tests.fakes.vendors import Vendors

__all__ = ["vendors"]
GUIDED = [name for name in provider_catalog.names() if provider_catalog.get(name).facts.kind is Kind.MANUAL]


def test_every_guided_vendor_is_simulated() -> None:
    """A control: the lists are the same, and not empty."""
    assert sorted(CONSOLES) == GUIDED
    assert len(GUIDED) >= 10


class TestContract(HttpContract):
    """Of one of them in full; they differ in their answers, which are asked of each below."""

    name = "groq"
    probing = ("GET", "/openai/v1/models")
    forbidden = Liveness.UNKNOWN


@pytest.mark.parametrize("name", GUIDED)
def test_only_the_vendors_own_words_are_a_verdict(name: str, vendors: Vendors) -> None:
    """Another's 401, 403 or 404, throttling, an error, silence and a portal's page with status 200 say nothing of a key."""
    key = vendors.seed(name, "agent", status="inactive")
    for status in (400, 401, 403, 404, 429, 500):
        vendors.fault(name, "status", method="GET", status=status)
    vendors.fault(name, "lose-answer", method="GET")
    vendors.fault(name, "garbage", method="GET")
    provider, account = provider_catalog.get(name), _account(name, vendors)
    heard = [provider.probe(account, Secret(key.value)).liveness for _ in range(9)]
    assert heard == [Liveness.UNKNOWN] * 8 + [Liveness.DEAD]


@pytest.mark.parametrize("name", GUIDED)
def test_a_key_is_alive_until_a_person_ends_it(name: str, vendors: Vendors) -> None:
    """Alive by the vendor's own yes, dead by its own refusal, whose code is for the ledger and holds no key."""
    provider, key = provider_catalog.get(name), vendors.seed(name, "agent")
    account = _account(name, vendors)
    assert provider.probe(account, Secret(key.value)).liveness is Liveness.ALIVE
    vendors.end(name, key.id)
    verdict = provider.probe(account, Secret(key.value))
    assert verdict.liveness is Liveness.DEAD
    assert key.value not in verdict.code
    assert verdict.code.startswith(str(CONSOLES[name].status))


@pytest.mark.parametrize("name", GUIDED)
def test_it_is_asked_where_its_question_says(name: str, vendors: Vendors) -> None:
    """One call to the path of the vendor's one question: there is no second table of how to ask."""
    asked: list[tuple[str, str]] = []
    vendors.watch(lambda call: asked.append((call.method, call.path)))
    provider_catalog.get(name).probe(_account(name, vendors), Secret(vendors.seed(name, "agent").value))
    question = questions(name)[0]
    assert asked == [(question.method, urlsplit(question.url).path)]


def _account(name: str, vendors: Vendors) -> Account:
    return Account(credential="a-credential", settings={"base_url": f"{vendors.url}/{name}"}, admin=None)

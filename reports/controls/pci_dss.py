"""PCI DSS v4.0.1: an agent's API key is a factor of an application or system account, so 8.6 is its home, not 3.6 and 3.7."""

from __future__ import annotations

from keysweep.reports.controls import Control, FrameworkControls, Strength, tests

_CONTROLS = (
    Control(
        id="3.6, 3.7", asks="Keys that protect stored account data are managed over their cryptoperiod", focus="Cryptographic keys",
        strength=Strength.PARTIAL, test=tests.nothing, exhibits=(), applicable=False,
    ),
    Control(
        id="8.2.2", asks="A shared credential is an exception", focus="Application and system accounts",
        strength=Strength.SUPPORTING, test=tests.one_agent_each, exhibits=("EV-01",),
    ),
    Control(
        id="8.3.2", asks="Factors are unreadable in storage", focus="Retired values: last copy destroyed",
        strength=Strength.SUPPORTING, test=tests.old_values_destroyed, exhibits=("EV-02",),
    ),
    Control(
        id="8.6.2", asks="Secrets do not stand in code, scripts or configuration", focus="All scanned places; scope is wider than asked",
        strength=Strength.DIRECT, test=tests.leaks_ended, exhibits=("EV-03", "EV-04"),
    ),
    Control(
        id="8.6.3", asks="Secrets change at the frequency of the risk analysis", focus="And on suspicion of compromise",
        strength=Strength.DIRECT, test=tests.age_within_policy, exhibits=("EV-01",),
    ),
    Control(
        id="10.2.1.5", asks="Every change of a credential is logged", focus="One entry a change",
        strength=Strength.DIRECT, test=tests.changes_logged, exhibits=("EV-02", "EV-05"),
    ),
    Control(
        id="10.3.4", asks="The log cannot change unnoticed", focus="Hash chain and signed checkpoints",
        strength=Strength.DIRECT, test=tests.ledger_whole, exhibits=("EV-05",),
    ),
    Control(
        id="12.3.1", asks="The frequency comes from a targeted risk analysis", focus="Identifier and approval",
        strength=Strength.SUPPORTING, test=tests.risk_analysis_stated, exhibits=(),
    ),
    Control(
        id="12.5.1", asks="What is in scope is inventoried, and the inventory is current", focus="Agents' credentials only",
        strength=Strength.PARTIAL, test=tests.lists_agree, exhibits=("EV-07", "EV-08"),
    ),
    Control(
        id="12.10.5", asks="Alerts lead to a response", focus="Forced rotations", strength=Strength.SUPPORTING,
        test=tests.contained_in_time, exhibits=("EV-02",),
    ),
)  # fmt: skip
WHY_NOT_APPLICABLE = (
    "Requirements 3.6 and 3.7 concern cryptographic keys that protect stored account data. An agent's API key authenticates an "
    "application account; it protects no stored data and is tested under 8.6, 8.3.2 and 8.2.2 instead. The assessor decides."
)
PCI_DSS = FrameworkControls(
    title="PCI DSS v4.0.1",
    short="PCI DSS",
    unit="Req.",
    ok_word="Supports “In Place”",
    deviation_word="Deviations noted",
    controls=_CONTROLS,
)

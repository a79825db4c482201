"""SOC 2: Trust Services Criteria 2017 with the points of focus of 2022."""

from __future__ import annotations

from keysweep.reports.controls import Control, FrameworkControls, Strength, tests

_CONTROLS = (
    Control(
        id="CC2.1", asks="What controls rest on is complete and accurate", focus="Uses information that is complete and accurate",
        strength=Strength.SUPPORTING, test=tests.lists_agree, exhibits=("EV-07", "EV-08"),
    ),
    Control(
        id="CC4.1", asks="Controls are evaluated over the period", focus="Ongoing and separate evaluations",
        strength=Strength.PARTIAL, test=tests.never_overdue, exhibits=("EV-06",),
    ),
    Control(
        id="CC4.2", asks="Deficiencies are followed up until they are remedied", focus="Monitors corrective action",
        strength=Strength.SUPPORTING, test=tests.followed_up, exhibits=("EV-02", "EV-09"),
    ),
    Control(
        id="CC6.1", asks="Credentials of software are inventoried, protected and renewed",
        focus="Manages credentials for infrastructure and software", strength=Strength.DIRECT,
        test=tests.age_within_policy, exhibits=("EV-01",),
    ),
    Control(
        id="CC6.2", asks="Credentials have an accountable owner", focus="Reviews validity; prevents use when no longer valid",
        strength=Strength.SUPPORTING, test=tests.has_owner, exhibits=("EV-01",),
    ),
    Control(
        id="CC6.3", asks="Access is separated by role", focus="Reviews access roles, service accounts among them",
        strength=Strength.PARTIAL, test=tests.one_agent_each, exhibits=("EV-01",),
    ),
    Control(
        id="CC6.6", asks="Credentials seen outside their boundary are ended", focus="Protects authentication credentials",
        strength=Strength.SUPPORTING, test=tests.leaks_ended, exhibits=("EV-03",),
    ),
    Control(
        id="CC7.1", asks="Weak configuration and exposure are looked for", focus="Conducts scans; detects non-compliance",
        strength=Strength.SUPPORTING, test=tests.coverage_complete, exhibits=("EV-04",),
    ),
    Control(
        id="CC7.3", asks="Events are evaluated", focus="Communicates and reviews detected events",
        strength=Strength.SUPPORTING, test=tests.triaged, exhibits=("EV-03",),
    ),
    Control(
        id="CC7.4", asks="Incidents are contained and remedied in time", focus="Contains and responds; removes access",
        strength=Strength.DIRECT, test=tests.contained_in_time, exhibits=("EV-02",),
    ),
    Control(
        id="CC8.1", asks="Changes are tested before they count", focus="Tests changes; provides for emergencies",
        strength=Strength.SUPPORTING, test=tests.attested_before_promotion, exhibits=("EV-02",),
    ),
)  # fmt: skip
SOC2 = FrameworkControls(
    title="SOC 2 · Trust Services Criteria",
    short="SOC 2",
    unit="Criterion",
    ok_word="No exceptions",
    deviation_word="Exceptions noted",
    controls=_CONTROLS,
)

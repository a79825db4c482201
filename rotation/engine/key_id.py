"""The provider's own id of a stored key: learned while the key is alive, since everything that ends it is addressed to that id."""

from __future__ import annotations

from dataclasses import replace

from keysweep.rotation.credential import Version
from keysweep.rotation.engine.run import Run, StepFailedError
from keysweep.rotation.hints import matches_hint
from keysweep.rotation.providers import ProviderError


def asked_id(run: Run, version: Version) -> str | None:
    """Return the id that the provider gives to a stored value: told by the value, else the one listed key that fits it.

    Raises:
        StepFailedError: no listed key fits, or several do.
    """
    if run.provider.identify is not None:
        value = run.value(version.ref)
        told = run.provider.identify(run.account, value)
        value.wipe()
        if told is not None:
            return told
    if run.provider.find is None:
        return None
    value = run.value(version.ref)
    fits = [key.key_id for key in run.provider.find(run.account) if matches_hint(key.hint, value)]
    value.wipe()
    if len(fits) != 1:
        msg = f"the provider lists {len(fits)} keys that fit the stored value"
        raise StepFailedError(msg, hint=f"keysweep keys set-id {run.credential.name} ID")
    return fits[0]


def told_id(run: Run, version: Version) -> str | None:
    """Return the id that the provider gives to a stored value where nobody administers it: as far as the key itself may ask."""
    value = run.value(version.ref)
    try:
        return asked_id(replace(run, account=replace(run.account, admin=value)), version)
    except (ProviderError, StepFailedError):
        return None
    finally:
        value.wipe()

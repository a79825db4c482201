"""Envelope encryption: a sealed value opens only with its key, only for its row, and only unchanged."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from keysweep.foundation.errors import ExitCode, IntegrityError
from keysweep.foundation.secret import Secret
from keysweep.rotation.vault.envelope import Binding, generation_of, seal, unseal

KEY = bytes(range(32))
BINDING = Binding(
    tenant="tenant", credential_id="credential", version=3, provider="openai", field="value", created_at="2026-09-30"
)
VALUE = b"correct horse battery staple"

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
bindings = st.builds(
    Binding,
    tenant=names,
    credential_id=names,
    version=st.integers(0, 10**9),
    provider=names,
    field=names,
    created_at=names,
)


@given(st.binary(max_size=5000), bindings, st.binary(min_size=32, max_size=32))
def test_what_is_sealed_opens_again(value: bytes, binding: Binding, key: bytes) -> None:
    """Any value, for any row, under any key."""
    assert value == unseal(key, binding, seal(key, binding, Secret(value))).reveal()


@given(bindings, bindings)
def test_no_two_bindings_look_alike(one: Binding, other: Binding) -> None:
    """The encoding is injective: text cannot move from one field into the next."""
    assert (one == other) == (one.encode() == other.encode())


@given(st.binary(max_size=100), st.integers(1, 2**32 - 1))
def test_a_sealed_value_names_its_generation(value: bytes, generation: int) -> None:
    """Which master key it is under stands before it, and is authenticated with it."""
    sealed = seal(KEY, BINDING, Secret(value), generation=generation)
    assert generation == generation_of(sealed)
    assert value == unseal(KEY, BINDING, sealed).reveal()
    with pytest.raises(IntegrityError):
        unseal(KEY, BINDING, sealed[:1] + (generation ^ 1).to_bytes(4, "big") + sealed[5:])


def test_a_value_of_an_older_store_opens() -> None:
    """The first format names no generation: the first is meant."""
    data_key, bound = bytes(range(1, 33)), documented_associated_data(b"")[5:]
    wrapped = AESGCM(KEY).encrypt(b"n" * 12, data_key, b"data-key" + bound)
    sealed = b"\x01" + b"n" * 12 + wrapped + b"m" * 12 + AESGCM(data_key).encrypt(b"m" * 12, VALUE, b"value" + bound)
    assert generation_of(sealed) == 1
    assert unseal(KEY, BINDING, sealed).reveal() == VALUE


def test_a_border_between_fields_cannot_move() -> None:
    """The classic: `ab`+`c` and `a`+`bc`."""
    assert (
        replace(BINDING, tenant="ab", credential_id="c").encode()
        != replace(BINDING, tenant="a", credential_id="bc").encode()
    )


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"tenant": "another"}, id="a row of another store"),
        pytest.param({"credential_id": "another"}, id="a row of another credential"),
        pytest.param({"version": 2}, id="an older version"),
        pytest.param({"version": 4}, id="a newer version"),
        pytest.param({"provider": "anthropic"}, id="another provider"),
        pytest.param({"field": "cell/r/minted"}, id="a journal cell"),
        pytest.param({"created_at": "2026-10-01"}, id="another time"),
    ],
)
def test_every_field_of_the_binding_is_bound(other: dict[str, object]) -> None:
    """Ciphertext that was moved to another row is refused with exit 7, and the error shows nothing of it."""
    sealed = seal(KEY, BINDING, Secret(VALUE))
    with pytest.raises(IntegrityError) as caught:
        unseal(KEY, replace(BINDING, **other), sealed)  # type: ignore[arg-type]
    assert caught.value.exit_code == ExitCode.INTEGRITY
    assert sealed.hex() not in str(caught.value)


PARTS = {
    "format": (0, 1),
    "generation": (1, 5),
    "key nonce": (5, 17),
    "wrapped key": (17, 65),
    "nonce": (65, 77),
    "value": (77, 105),
    "tag": (105, 121),
}


@pytest.mark.parametrize("part", PARTS)
def test_one_changed_bit_anywhere_is_refused(part: str) -> None:
    """Every bit of every byte: format, nonces, wrapped data key, ciphertext and tag."""
    sealed = seal(KEY, BINDING, Secret(VALUE))
    start, end = PARTS[part]
    for position in range(start, end):
        for bit in range(8):
            changed = bytearray(sealed)
            changed[position] ^= 1 << bit
            with pytest.raises(IntegrityError):
                unseal(KEY, BINDING, bytes(changed))


def test_the_parts_are_the_whole() -> None:
    """The table above covers every byte."""
    assert len(seal(KEY, BINDING, Secret(VALUE))) == max(end for _, end in PARTS.values())


@pytest.mark.parametrize("length", [0, 1, 4, 5, 16, 17, 64, 65, 77, 92, 120])
def test_a_cut_one_is_refused(length: int) -> None:
    """Also shorter than its own header."""
    with pytest.raises(IntegrityError):
        unseal(KEY, BINDING, seal(KEY, BINDING, Secret(VALUE))[:length])


@given(st.binary(max_size=200))
def test_garbage_is_refused(sealed: bytes) -> None:
    """With one named error, whatever it is."""
    with pytest.raises(IntegrityError):
        unseal(KEY, BINDING, sealed)


def test_another_key_does_not_open_it() -> None:
    """Nothing is readable without the store's wrap key."""
    with pytest.raises(IntegrityError):
        unseal(bytes(32), BINDING, seal(KEY, BINDING, Secret(VALUE)))


def test_the_two_layers_cannot_change_places() -> None:
    """A value of 32 bytes that is sealed is not taken for a wrapped data key: each layer is labelled."""
    inner = os.urandom(32)
    sealed = seal(KEY, BINDING, Secret(inner))
    swapped = sealed[:5] + sealed[65:77] + sealed[77:] + sealed[5:17] + sealed[17:65]
    assert len(sealed) == len(swapped)
    with pytest.raises(IntegrityError):
        unseal(KEY, BINDING, swapped)


def test_nothing_repeats_between_two_seals() -> None:
    """Fresh nonces and a fresh data key each time, for the same value too; the value itself is not in it."""
    one, two = seal(KEY, BINDING, Secret(VALUE)), seal(KEY, BINDING, Secret(VALUE))
    for start, end in list(PARTS.values())[2:]:
        assert one[start:end] != two[start:end]
    assert VALUE not in one


def documented_associated_data(label: bytes) -> bytes:
    """The format as it is written down: its head, a version byte, then each field behind its length in four bytes."""
    fields = [b"tenant", b"credential", b"3", b"openai", b"value", b"2026-09-30"]
    return label + b"\x02\x00\x00\x00\x01" + b"\x01" + b"".join(len(f).to_bytes(4, "big") + f for f in fields)


def test_another_implementation_reads_the_format() -> None:
    """AES-256 in GCM by its block-cipher interface, from the documented layout alone."""

    def open_gcm(key: bytes, nonce: bytes, text: bytes, data: bytes) -> bytes:
        decryptor = Cipher(algorithms.AES256(key), modes.GCM(nonce, text[-16:])).decryptor()
        decryptor.authenticate_additional_data(data)
        return decryptor.update(text[:-16]) + decryptor.finalize()

    sealed = seal(KEY, BINDING, Secret(VALUE))
    data_key = open_gcm(KEY, sealed[5:17], sealed[17:65], documented_associated_data(b"data-key"))
    assert open_gcm(data_key, sealed[65:77], sealed[77:], documented_associated_data(b"value")) == VALUE


_NODE = """
const { createDecipheriv } = require('crypto');
const input = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const hex = (text) => Buffer.from(text, 'hex');
const open = (key, nonce, text, data) => {
  const d = createDecipheriv('aes-256-gcm', key, nonce);
  d.setAAD(hex(data)); d.setAuthTag(text.subarray(-16));
  return Buffer.concat([d.update(text.subarray(0, -16)), d.final()]);
};
const s = hex(input.sealed);
const key = open(hex(input.key), s.subarray(5, 17), s.subarray(17, 65), input.keyData);
process.stdout.write(open(key, s.subarray(65, 77), s.subarray(77), input.valueData).toString('hex'));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is another implementation, where there is one")
def test_a_program_in_another_language_reads_the_format() -> None:
    """Node's crypto opens a sealed value from the documented layout."""
    given_ = {
        "key": KEY.hex(),
        "sealed": seal(KEY, BINDING, Secret(VALUE)).hex(),
        "keyData": documented_associated_data(b"data-key").hex(),
        "valueData": documented_associated_data(b"value").hex(),
    }
    done = subprocess.run(["node", "-e", _NODE], input=json.dumps(given_), capture_output=True, text=True, check=True)
    assert VALUE.hex() == done.stdout

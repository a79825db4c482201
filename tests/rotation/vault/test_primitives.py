"""The primitives that the vault stands on give what the standards say, and what other implementations give."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from hypothesis import given
from hypothesis import strategies as st

from keysweep.foundation.secret import Secret
from keysweep.rotation.vault import kek
from keysweep.rotation.vault.envelope import Binding, seal, unseal

AES = pytest.importorskip("Crypto.Cipher.AES", reason="the second implementation: pip install pycryptodome")


def other_seal(key: bytes, nonce: bytes, plaintext: bytes, data: bytes) -> bytes:
    """AES-GCM by pycryptodome."""
    cipher = AES.new(key, AES.MODE_GCM, nonce=nonce)
    cipher.update(data)
    ciphertext, tag = cipher.encrypt_and_digest(plaintext)
    return ciphertext + tag


def other_open(key: bytes, nonce: bytes, sealed: bytes, data: bytes) -> bytes:
    """The reverse."""
    cipher = AES.new(key, AES.MODE_GCM, nonce=nonce)
    cipher.update(data)
    opened: bytes = cipher.decrypt_and_verify(sealed[:-16], sealed[-16:])
    return opened


_K = "feffe9928665731c6d6a8f9467308308" * 2
_P = (
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255"
)
_C = (
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"
)
GCM = [
    pytest.param("00" * 32, "00" * 12, "", "", "530f8afbc74536b9a963b4f1c4cb738b", id="case 13"),
    pytest.param(
        "00" * 32,
        "00" * 12,
        "00" * 16,
        "",
        "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919",
        id="case 14",
    ),
    pytest.param(_K, "cafebabefacedbaddecaf888", _P, "", _C + "b094dac5d93471bdec1a502270e3cc6c", id="case 15"),
    pytest.param(
        _K,
        "cafebabefacedbaddecaf888",
        _P[:120],
        "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        _C[:120] + "76fc6ece0f4e1768cddf8853bb2d551b",
        id="case 16",
    ),
]
"""AES-256 of the test cases that were submitted to NIST with the mode (McGrew and Viega, appendix B)."""


@pytest.mark.parametrize(("key", "nonce", "plaintext", "data", "sealed"), GCM)
def test_aes_gcm_by_nists_cases(key: str, nonce: str, plaintext: str, data: str, sealed: str) -> None:
    """Both implementations, both ways."""
    k, n, p, d, s = (bytes.fromhex(text) for text in (key, nonce, plaintext, data, sealed))
    assert s == AESGCM(k).encrypt(n, p, d) == other_seal(k, n, p, d)
    assert p == AESGCM(k).decrypt(n, s, d) == other_open(k, n, s, d)


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(
    st.binary(max_size=400),
    st.binary(min_size=32, max_size=32),
    st.builds(
        Binding,
        tenant=names,
        credential_id=names,
        version=st.integers(0, 99),
        provider=names,
        field=names,
        created_at=names,
    ),
    st.integers(1, 2**32 - 1),
)
def test_another_implementation_opens_what_we_seal(value: bytes, key: bytes, binding: Binding, generation: int) -> None:
    """And we open what it sealed, from the documented layout alone."""
    sealed = seal(key, binding, Secret(value), generation=generation)
    head, key_nonce, wrapped, nonce, rest = sealed[:5], sealed[5:17], sealed[17:65], sealed[65:77], sealed[77:]
    bound = head + binding.encode()
    data_key = other_open(key, key_nonce, wrapped, b"data-key" + bound)
    assert value == other_open(data_key, nonce, rest, b"value" + bound)
    theirs = (
        head
        + key_nonce
        + other_seal(key, key_nonce, data_key, b"data-key" + bound)
        + nonce
        + other_seal(data_key, nonce, value, b"value" + bound)
    )
    assert theirs == sealed
    assert value == unseal(key, binding, theirs).reveal()


HKDF_CASES = [
    pytest.param(
        "0b" * 22,
        "000102030405060708090a0b0c",
        "f0f1f2f3f4f5f6f7f8f9",
        42,
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        id="A.1",
    ),
    pytest.param(
        bytes(range(0x50)).hex(),
        bytes(range(0x60, 0xB0)).hex(),
        bytes(range(0xB0, 0x100)).hex(),
        82,
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
        "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
        id="A.2",
    ),
    pytest.param(
        "0b" * 22,
        "",
        "",
        42,
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
        id="A.3",
    ),
]


@pytest.mark.parametrize(("key", "salt", "info", "length", "expected"), HKDF_CASES)
def test_hkdf_by_rfc_5869(key: str, salt: str, info: str, length: int, expected: str) -> None:
    """Its SHA-256 cases, by the library and by hand."""
    material, salted, label = (bytes.fromhex(text) for text in (key, salt, info))
    derived = HKDF(algorithm=SHA256(), length=length, salt=salted, info=label).derive(material)
    assert bytes.fromhex(expected) == derived == by_hand(material, salted, label, length)


def by_hand(material: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """Extract, then expand."""
    key = hmac.digest(salt or bytes(32), material, "sha256")
    block = out = b""
    for counter in range(1, -(-length // 32) + 1):
        block = hmac.digest(key, block + info + bytes([counter]), "sha256")
        out += block
    return out[:length]


@given(st.binary(min_size=32, max_size=32), st.text("0123456789abcdef", min_size=32, max_size=32))
def test_sub_keys_by_hand(master: bytes, tenant: str) -> None:
    """Each label gives its key, and no two are alike."""
    keys = kek.SubKeys.derive(master, tenant)
    found = {name: getattr(keys, name) for name in ("wrap", "fingerprint", "audit", "signing", "ring")}
    expected = {name: by_hand(master, tenant.encode(), f"keysweep/{name}/v1".encode(), 32) for name in found}
    assert expected == found
    assert len(set(found.values())) == 5


def test_x25519_by_rfc_7748() -> None:
    """The exchange of section 6.1."""
    bob = bytes.fromhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
    alice_public = bytes.fromhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
    shared = bytes.fromhex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")
    private = X25519PrivateKey.from_private_bytes(bob)
    assert shared == private.exchange(X25519PublicKey.from_public_bytes(alice_public))


def test_a_sealed_master_key_is_opened_by_hand() -> None:
    """From the documented layout: ephemeral key, nonce, AES-GCM under HKDF of the exchange, bound to slot and generation."""
    private, public = kek.new_pair()
    sealed = kek.seal_master(public, b"m" * 32, slot="s", tenant="t", generation=7)
    ephemeral, nonce, rest = sealed[:32], sealed[32:44], sealed[44:]
    agreed = X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(ephemeral))
    key = by_hand(agreed, ephemeral + public, b"keysweep/slot-master/v1", 32)
    assert other_open(key, nonce, rest, b"keysweep-master-v1\ns\nt\n7") == b"m" * 32


@pytest.mark.parametrize("other", [{"slot": "x"}, {"tenant": "x"}, {"generation": 8}])
def test_a_sealed_master_key_opens_in_its_place_only(other: dict[str, object]) -> None:
    """Not in another slot, store or generation; not with another pair; not with one bit changed; not cut."""
    private, public = kek.new_pair()
    place: dict[str, object] = {"slot": "s", "tenant": "t", "generation": 7}
    sealed = kek.seal_master(public, b"m" * 32, **place)  # type: ignore[arg-type]
    assert kek.unseal_master(private, sealed, **place) == b"m" * 32  # type: ignore[arg-type]
    assert kek.unseal_master(private, sealed, **(place | other)) is None  # type: ignore[arg-type]
    assert kek.unseal_master(kek.new_pair()[0], sealed, **place) is None  # type: ignore[arg-type]
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        assert kek.unseal_master(private, bytes(changed), **place) is None  # type: ignore[arg-type]
        assert kek.unseal_master(private, sealed[:position], **place) is None  # type: ignore[arg-type]
    assert kek.unseal_master(private, bytes(32) + sealed[32:], **place) is None, "a point that gives no secret"  # type: ignore[arg-type]


def test_argon2id_by_rfc_9106() -> None:
    """Section 5.3."""
    derived = Argon2id(
        salt=b"\x02" * 16, length=32, iterations=3, lanes=4, memory_cost=32, ad=b"\x04" * 12, secret=b"\x03" * 8
    ).derive(b"\x01" * 32)
    assert derived.hex() == "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"


def test_scrypt_by_rfc_7914() -> None:
    """Section 12; and Python's own."""
    derived = Scrypt(salt=b"NaCl", length=64, n=1024, r=8, p=16).derive(b"password")
    assert derived.hex() == (
        "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830da"
        "c727afb94a83ee6d8360cbdfa2cc0640"
    )
    assert derived == hashlib.scrypt(b"password", salt=b"NaCl", n=1024, r=8, p=16, dklen=64)

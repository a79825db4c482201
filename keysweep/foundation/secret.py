"""Plaintext key material as a type: it cannot print, pickle, hash or compare in variable time.

`reveal` and `reveal_text` are called only in the modules that `tests/test_invariants.py` lists.
"""

from __future__ import annotations

from typing import Never, NoReturn, final


@final
class Secret:
    """A key's plaintext, held in a buffer that `wipe` can overwrite.

    Python may have made other copies of the bytes before they came here; wiping shortens the time a value lives, it does
    not promise that nothing is left in memory.
    """

    __slots__ = ("_value",)
    __hash__ = None  # type: ignore[assignment]  # a secret never becomes a dictionary key

    def __init__(self, value: str | bytes | bytearray | memoryview) -> None:
        self._value = bytearray(value.encode() if isinstance(value, str) else value)

    def reveal(self) -> bytes:
        """Return the plaintext as bytes."""
        return bytes(self._value)

    def reveal_text(self) -> str:
        """Return the plaintext as text.

        Raises:
            UnicodeDecodeError: the value is not UTF-8.
        """
        return self._value.decode()

    def wipe(self) -> None:
        """Overwrite the buffer; the secret is empty afterwards."""
        for position in range(len(self._value)):
            self._value[position] = 0
        self._value.clear()

    def __len__(self) -> int:
        return len(self._value)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        import hmac

        return isinstance(other, Secret) and hmac.compare_digest(self._value, other._value)

    def __repr__(self) -> str:
        return f"<Secret of {len(self._value)} bytes>"

    __str__ = __repr__

    def __format__(self, format_spec: str) -> str:
        return repr(self)

    def _refuse(self, *_: object) -> NoReturn:
        msg = "a Secret is never copied or serialised"
        raise TypeError(msg)

    def __reduce_ex__(self, protocol: object) -> Never:
        self._refuse()

    def __copy__(self) -> Never:
        self._refuse()

    def __deepcopy__(self, memo: object) -> Never:
        self._refuse()

"""From a question and who asks it to an answer: authorised and recorded each time, and nothing kept from one answer to the next."""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import final

from sqlalchemy import Connection

from keysweep.foundation.database.connect import StoreMissingError
from keysweep.foundation.redaction import REDACTION
from keysweep.rotation.agent_catalog import USERS
from keysweep.rotation.answering import Asker, Given, Withheld, answer_asker
from keysweep.rotation.daemon import protocol
from keysweep.rotation.daemon.peer import Peer, is_listed
from keysweep.rotation.daemon.protocol import Finished, Known, Question, Resolve, Served, Status
from keysweep.rotation.daemon.refusals import Refusals
from keysweep.rotation.vault import whose
from keysweep.rotation.vault.index import inventory_digest
from keysweep.rotation.vault.key_ids import StoredIds
from keysweep.rotation.vault.unlock import OpenVault
from keysweep.scanner.known import CredentialMatch
from keysweep.version import VERSION

_REMEMBERED = 4096
"""Processes of which it is known that their first question about values was recorded."""
_LOOK_AFTER_S = 60.0


@final
class Answers:
    """Answers one question at a time.

    Args:
        opened: the store; the truth is asked there each time.
        scanners: users that may ask whose values are, beside this process's own and root.
        look_after: what commands do when they end: note how far the ledger is, take a checkpoint off.
    """

    def __init__(self, opened: OpenVault, scanners: str, look_after: Callable[[], None]) -> None:
        self._opened = opened
        self._scanners = scanners
        self._look_after = look_after
        self._looked = time.monotonic()
        self._refusals = Refusals(time.monotonic)
        self._asked: OrderedDict[tuple[int, int], None] = OrderedDict()
        self._ids: tuple[str, StoredIds] | None = None
        self._file = _identity(opened)
        self._since = opened.clock()
        self._counted = {"resolve": 0, "known": 0, "status": 0}

    def __call__(self, peer: Peer, question: Question) -> bytearray:
        """Return the answer; whoever sends it overwrites it afterwards.

        Raises:
            KeysweepError: the store cannot be used now; its message is for whoever asked.
        """
        self._refresh()
        match question:
            case Resolve():
                self._counted["resolve"] += 1
                return self._resolve(peer, question)
            case Known(values, finished):
                self._counted["known"] += 1
                return self._known(peer, values, finished)
            case Status():
                self._counted["status"] += 1
                return protocol.write_answer(
                    {
                        "pid": os.getpid(),
                        "version": VERSION,
                        "since": self._since.isoformat(timespec="seconds"),
                        "answered": self._counted,
                    }
                )

    def rest(self) -> None:
        """Do what may wait: called when nobody asks."""
        if time.monotonic() - self._looked >= _LOOK_AFTER_S:
            self._looked = time.monotonic()
            self.finish()
            self._look_after()

    def finish(self) -> None:
        """Write down what was not written down yet: refusals beyond those that are recorded one by one."""
        if owed := self._refusals.owed():
            with self._opened.database.write() as connection:
                for uid, count in owed.items():
                    self._opened.ledger.append(
                        connection, actor=f"uid:{uid}", action="key.refused", subject="", detail={"more": count}
                    )

    def _resolve(self, peer: Peer, question: Resolve) -> bytearray:
        asker = Asker(
            uid=peer.uid,
            pid=peer.pid,
            may=lambda agent: peer.trusted or is_listed(peer.uid, agent.settings.get(USERS, "")),
            recorded=lambda: self._refusals.count(peer.uid),
        )
        answers: Sequence[Given | Withheld] = ()
        try:
            answers = answer_asker(self._opened, asker, question.agent, question.ids, purpose=question.purpose)
            written = protocol.write_served([_served(one) for one in answers])
            for one in answers:
                if isinstance(one, Given):
                    written += one.secret.reveal()
            return written
        finally:
            for one in answers:
                if isinstance(one, Given):
                    one.secret.wipe()
            REDACTION.forget()

    def _known(self, peer: Peer, values: Sequence[bytes], finished: Finished | None) -> bytearray:
        if not (peer.trusted or is_listed(peer.uid, self._scanners)):
            if self._refusals.count(peer.uid):
                self._note(peer, "match.refused", {})
            return protocol.write_refusal(
                protocol.REFUSED,
                "this user may not ask whose keys are",
                "list it in the settings of the daemon: [daemon] scanners",
            )
        if (peer.uid, peer.pid) not in self._asked:
            self._note(peer, "match.asked", {})
            self._asked[peer.uid, peer.pid] = None
            while len(self._asked) > _REMEMBERED:
                self._asked.popitem(last=False)
        if finished is not None:
            self._note(peer, "scan.finished", finished._asdict())
        if values:
            return protocol.write_answer({"known": self._whose(values)})
        with self._opened.database.read() as connection:
            self._opened.ring.refresh(connection)
            digest = inventory_digest(connection, self._opened.fingerprinter)
            ids, lengths = self._ids_now(connection), self._opened.known.unshaped().lengths
        shapes = [[shape.head.decode(), shape.length] for shape in sorted(ids.shapes)]
        return protocol.write_answer({"inventory": digest, "shapes": shapes, "lengths": sorted(lengths)})

    def _whose(self, values: Sequence[bytes]) -> list[dict[str, object]]:
        """Say of each value what it is; nearly all of them are strangers, which one question to the store tells."""
        with self._opened.database.read() as connection:
            self._opened.ring.refresh(connection)
            prints = list(self._opened.fingerprinter.of_each(values))
            forms = {fingerprint: self._opened.ring.forms(connection, fingerprint) for fingerprint in prints}
            among = whose.among(connection, [form.digest for all_of in forms.values() for form in all_of])
            ids = self._ids_now(connection)
        ours = {fingerprint for fingerprint, all_of in forms.items() if any(form.digest in among for form in all_of)}
        return [
            {
                "print": str(fingerprint),
                "owner": _told(self._opened.known.owner(fingerprint)) if fingerprint in ours else None,
                "named": _told(ids.owner(fingerprint, len(value))),
            }
            for value, fingerprint in zip(values, prints, strict=True)
        ]

    def _ids_now(self, connection: Connection) -> StoredIds:
        """Return the providers' ids as they are stored now: read again where any version has changed."""
        now = inventory_digest(connection, self._opened.fingerprinter)
        if self._ids is None or self._ids[0] != now:
            self._ids = now, StoredIds(self._opened.database, self._opened.fingerprinter)
        return self._ids[1]

    def _note(self, peer: Peer, action: str, detail: dict[str, int | bool]) -> None:
        with self._opened.database.write() as connection:
            self._opened.ledger.append(
                connection,
                actor=f"uid:{peer.uid}",
                action=action,
                subject="daemon",
                detail={**detail, "uid": peer.uid, "pid": peer.pid},
            )

    def _refresh(self) -> None:
        """Let go of connections to a store's file that another one has taken the place of."""
        if (now := _identity(self._opened)) != self._file:
            self._file = now
            self._opened.database.close()


def _identity(opened: OpenVault) -> tuple[int, int] | None:
    """Return which file the store is; None for one that is no file.

    Raises:
        StoreMissingError: it is gone.
    """
    path = opened.settings.store.removeprefix("sqlite:///")
    if "://" in path:
        return None
    try:
        found = Path(path).stat()
    except OSError:
        msg = f"no store at {path}"
        raise StoreMissingError(msg, hint="restore it, and start the daemon again") from None
    return found.st_dev, found.st_ino


def _served(one: Given | Withheld) -> Served:
    if isinstance(one, Given):
        return Served(one.id, one.variable, len(one.secret))
    return Served(one.id, "", None)


def _told(known: CredentialMatch | None) -> list[object] | None:
    if known is None:
        return None
    return [
        known.name,
        known.provider,
        known.version,
        known.state.value,
        known.match.value,
        known.certainty,
        known.dead_since.isoformat() if known.dead_since else None,
    ]

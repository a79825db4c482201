"""A repository: every object once, unreachable ones too, through a shadow (see `scanner.shadow`), and its settings and logs as text."""

from __future__ import annotations

import io
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, final

from keysweep.foundation.errors import UsageError
from keysweep.scanner.batch import read_objects
from keysweep.scanner.coverage import CoverageLog, Gap
from keysweep.scanner.finding import Blob, CommitOrigin, Origin
from keysweep.scanner.shadow import Shadow, shadow_of
from keysweep.scanner.walk import Walk

_TEXT = frozenset({b"blob", b"commit", b"tag"})
_SUBMODULE = b"160000"
_WHO = re.compile(rb"(?m)^(?:author|tagger) (.*) (\d+) ([+-]\d{4})$")


@final
class Git:
    """Everything that a repository ever held.

    Args:
        path: work tree or bare repository.
        revisions: `A..B` to look only at what those commits brought; None for all objects.
    """

    def __init__(self, path: Path, *, revisions: str | None = None) -> None:
        self._path = path
        self._revisions = revisions
        self._commits: list[str] = []

    def blobs(self, log: CoverageLog) -> Iterator[Blob]:
        """Yield blobs, commits and tags, then what git keeps in files; a broken object store is logged.

        Raises:
            UsageError: the range names no commits of the repository.
        """
        with shadow_of(self._path, log) as shadow:
            if shadow is None:
                return
            wanted = _range(shadow, self._revisions) if self._revisions else None
            if wanted is None and shadow.shallow:
                log.skip(f"{self._path} (shallow clone)", Gap.TRUNCATED)
            empty = True
            for blob in self._objects(shadow, wanted, log):
                empty = False
                yield blob
            # NOTE: a repository without objects is nothing to scan; that its settings were read must not make it a clean one.
            if wanted is None and not empty:
                yield from self._files(shadow, log)

    def resolve(self, origins: Sequence[Origin]) -> Mapping[Origin, Origin]:
        """Return where and by whom each blob was first committed; blobs that no commit has stay as they are."""
        wanted = {o.blob: o for o in origins if isinstance(o, CommitOrigin) and o.commit is None}
        found: dict[Origin, Origin] = {}
        if not wanted or not self._commits:
            return found
        with shadow_of(self._path, CoverageLog()) as shadow:
            if shadow is None:
                return found
            for commit, author, date, blob, path in _introductions(shadow, self._commits):
                if (origin := wanted.pop(blob, None)) is not None:
                    found[origin] = CommitOrigin(path=path, blob=blob, commit=commit, author=author, date=date)
                    if not wanted:
                        break
        return found

    def _objects(self, shadow: Shadow, wanted: Sequence[bytes] | None, log: CoverageLog) -> Iterator[Blob]:
        for identifier, kind, data in read_objects(shadow, wanted, log, str(self._path)):
            if kind == b"commit":
                self._commits.append(identifier)
            if kind in _TEXT:
                yield _blob(identifier, kind, data)

    def _files(self, shadow: Shadow, log: CoverageLog) -> Iterator[Blob]:
        """Yield settings, hooks, logs and refs: a token may stand in a remote's address, also in that of an old fetch."""
        common = shadow.target.common
        named = next((path for path in (self._path / ".git", self._path) if path.resolve() == common), common)
        return Walk(named, of_git=True).blobs(log)


@final
class Staged:
    """What is staged for the next commit: index entries that `HEAD` does not have.

    Args:
        path: the work tree.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def blobs(self, log: CoverageLog) -> Iterator[Blob]:
        """Yield each staged file as it would be committed."""
        with shadow_of(self._path, log) as shadow:
            if shadow is None:
                return
            index = shadow.folder / "index"
            try:
                index.write_bytes((shadow.target.own / "index").read_bytes())
            except OSError:
                return
            head = shadow.resolve("HEAD") or shadow.lines("hash-object", "-t", "tree", "/dev/null").decode().strip()
            raw = shadow.lines(
                "diff-index", "--cached", "--raw", "-z", "--no-abbrev", "--no-renames", head, index=index
            )
            paths: dict[str, list[str]] = {}
            for identifier, path in _raw_entries(raw, log.without_content):
                paths.setdefault(identifier, []).append(path)
            for identifier, kind, data in read_objects(shadow, [i.encode() for i in paths], log, str(self._path)):
                for path in paths[identifier] if kind == b"blob" else ():
                    origin = CommitOrigin(path=path, blob=identifier, commit=None)
                    yield Blob(origin=origin, size=len(data), open=_opener(data))


def _blob(identifier: str, kind: bytes, data: bytes) -> Blob:
    author = date = None
    if kind != b"blob" and (who := _WHO.search(data)):
        from datetime import UTC, datetime

        author = who[1].decode("utf-8", "replace")
        date = datetime.fromtimestamp(min(int(who[2]), 1 << 36), UTC).isoformat()
    path = identifier if kind == b"blob" else f"{kind.decode()} message"
    commit = None if kind == b"blob" else identifier
    origin = CommitOrigin(path=path, blob=identifier, commit=commit, author=author, date=date)
    return Blob(origin=origin, size=len(data), open=_opener(data))


def _opener(data: bytes) -> Any:
    def opened() -> BinaryIO:
        return io.BytesIO(data)

    return opened


def _range(shadow: Shadow, revisions: str) -> list[bytes]:
    """Return the ids of the objects that a range of commits brought."""
    start, separator, end = revisions.partition("..")
    first, last = shadow.resolve(start), shadow.resolve(end.lstrip(".") or "HEAD")
    if not separator or first is None or last is None:
        msg = f"the range {revisions!r} names no commits of this repository"
        raise UsageError(msg, hint="--range A..B, with branches, tags or full commit ids")
    listed = shadow.lines("rev-list", "--objects", last, f"^{first}", "--end-of-options")
    return [line.split(b" ", 1)[0] for line in listed.splitlines()]


def _introductions(shadow: Shadow, commits: Sequence[str]) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield (commit, author, date, blob, path) for every blob that a commit brought, oldest commit first."""
    options = (
        "--raw",
        "-z",
        "--no-abbrev",
        "--no-renames",
        "--root",
        "-m",
        "--reverse",
        "--no-ext-diff",
        "--no-textconv",
    )
    # NOTE: names and paths may hold any byte but zero; a mark that nobody can foresee is the only safe separator.
    mark = secrets.token_hex(16)
    form = f"--format={mark}%H%x00%an <%ae>%x00%aI"
    listed = "".join(f"{c}\n" for c in commits).encode()
    running = shadow.stream("log", *options, "--no-show-signature", form, "--stdin", stdin=listed)
    try:
        for record in _records(running.stdout, mark.encode()):
            head, _, changes = record.partition(b"\0\n:")
            fields = head.split(b"\0")
            if len(fields) < 3 or not changes:
                continue
            commit, author, date = (field.decode("utf-8", "replace").strip() for field in fields[:3])
            for blob, path in _raw_entries(b":" + changes):
                yield commit, author, date, blob, path
    finally:
        running.stop()


def _records(stream: BinaryIO, mark: bytes) -> Iterator[bytes]:
    """Split at the mark that begins each commit."""
    rest = b""
    while block := stream.read(1 << 20):
        *whole, rest = (rest + block).split(mark)
        yield from whole
    yield rest


def _raw_entries(raw: bytes, without_content: Callable[[], None] = lambda: None) -> Iterator[tuple[str, str]]:
    """Read `:mode mode old new status`, a zero, the path, a zero; yield (new id, path).

    Deletions, and submodules, whose id is a commit of another repository, go to *without_content*.
    """
    fields = raw.split(b"\0")
    for meta, path in zip(fields[::2], fields[1::2], strict=False):
        parts = meta.lstrip(b"\n").lstrip(b":").split()
        if len(parts) != 5:
            continue
        if parts[4].startswith(b"D") or parts[1] == _SUBMODULE or not parts[3].strip(b"0"):
            without_content()
        else:
            yield parts[3].decode(), path.decode("utf-8", "surrogateescape")

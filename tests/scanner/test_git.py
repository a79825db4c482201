"""A repository's history: everything that it ever held is read once, and the first commit of a key is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from keysweep.foundation.errors import UsageError
from keysweep.scanner.coverage import CoverageLog, Gap
from keysweep.scanner.finding import Occurrence, name_of
from keysweep.scanner.sources import Source
from keysweep.scanner.sources.files import Files
from keysweep.scanner.sources.git import Git, Staged
from tests.scanner.making import key, look
from tests.scanner.repositories import Repo

SECRET = "github-pat"


def line() -> str:
    return f"token={key(SECRET)}\n"


def places(path: Path, **options: str) -> tuple[Occurrence, ...]:
    """Return where the one key of a repository stands in its objects."""
    (finding,) = look(Git(path, **options)).findings
    assert finding.rule == SECRET
    return tuple(place for place in finding.occurrences if "/.git/" not in place.path)


def test_a_key_that_was_deleted_is_found_with_its_first_commit_and_author(tmp_path: Path) -> None:
    """Who brought it, when, in which file: not who moved or deleted it."""
    repo = Repo(tmp_path / "r")
    repo.commit(a_txt="one\n")
    first = repo.commit("Add settings", author="Dana Ortiz", _env=line())
    repo.git("mv", ".env", "settings.txt", author="Bo Li")
    repo.commit("Move", author="Bo Li")
    repo.git("rm", "--quiet", "settings.txt", author="Cy Ng")
    repo.commit("Delete", author="Cy Ng")
    (place,) = places(repo.path)
    assert (place.path, place.commit, place.author) == (".env", first, "Dana Ortiz <ada@example.test>")
    assert place.date is not None
    assert place.date.startswith("2026-10-")
    assert (place.line, place.column) == (1, 7)


def _stash(repo: Repo) -> None:
    repo.commit(a_txt="one\n")
    repo.write(a_txt=line())
    repo.git("stash", "--quiet")


def _stash_dropped(repo: Repo) -> None:
    _stash(repo)
    repo.git("stash", "drop", "--quiet")


def _reflog(repo: Repo) -> None:
    repo.commit(a_txt="one\n")
    repo.commit(a_txt=line())
    repo.git("reset", "--quiet", "--hard", "HEAD~1")


def _note(repo: Repo) -> None:
    commit = repo.commit(a_txt="one\n")
    repo.git("notes", "add", "-m", line(), commit)


def _unreachable(repo: Repo) -> None:
    repo.commit(a_txt="one\n")
    repo.git("hash-object", "-w", "--stdin", stdin=line().encode())


def _deleted_branch(repo: Repo) -> None:
    repo.commit(a_txt="one\n")
    repo.git("switch", "--quiet", "-c", "side")
    repo.commit(a_txt=line())
    repo.git("switch", "--quiet", "main")
    repo.git("branch", "--quiet", "-D", "side")
    repo.git("reflog", "expire", "--expire=now", "--all")


def _tag(repo: Repo) -> None:
    repo.commit(a_txt="one\n")
    repo.git("tag", "-a", "v1", "-m", line())


def _commit_message(repo: Repo) -> None:
    repo.commit(line(), a_txt="one\n")


def _merge_only(repo: Repo) -> None:
    repo.commit(a_txt="one\n")
    repo.git("switch", "--quiet", "-c", "side")
    repo.commit(b_txt="two\n")
    repo.git("switch", "--quiet", "main")
    repo.git("merge", "--quiet", "--no-ff", "--no-commit", "side")
    repo.commit("Merge", c_txt=line())


def _staged_only(repo: Repo) -> None:
    repo.commit(a_txt="one\n")
    repo.write(a_txt=line())
    repo.git("add", "--all")


def _packed(repo: Repo) -> None:
    _reflog(repo)
    repo.git("gc", "--quiet", "--prune=never")
    assert not list(repo.path.glob(".git/objects/??/*")) or (repo.path / ".git/packed-refs").exists()


@pytest.mark.parametrize(
    "hide",
    [
        _stash,
        _stash_dropped,
        _reflog,
        _note,
        _unreachable,
        _deleted_branch,
        _tag,
        _commit_message,
        _merge_only,
        _staged_only,
        _packed,
    ],
    ids=lambda hide: hide.__name__.strip("_"),
)
@pytest.mark.parametrize("form", ["sha1", "sha256"])
def test_a_key_has_no_place_to_hide(hide: Callable[[Repo], None], form: str, tmp_path: Path) -> None:
    """All objects are read, whatever leads to them, in repositories of both kinds of hash."""
    repo = Repo(tmp_path / "r", f"--object-format={form}")
    hide(repo)
    assert len(places(repo.path)) == 1


def test_a_bare_repository_and_packed_refs(tmp_path: Path) -> None:
    """A server's copy is read as a work tree's is, and the place is named."""
    repo = Repo(tmp_path / "r")
    first = repo.commit(a_txt=line())
    repo.commit(a_txt="gone\n")
    repo.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare.git"))
    (place,) = places(tmp_path / "bare.git")
    assert (place.path, place.commit) == ("a.txt", first)


def test_an_empty_repository_is_nothing_read(tmp_path: Path) -> None:
    """No objects: that is not clean, it is nothing."""
    coverage = look(Git(Repo(tmp_path / "r").path)).coverage
    assert (coverage.files, coverage.complete) == (0, False)


def linked(tmp_path: Path, kind: str) -> Path:
    """Return a work tree or a submodule of a repository with one commit that holds the key."""
    repo = Repo(tmp_path / "r")
    repo.commit(a_txt=line())
    if kind == "work tree":
        repo.git("worktree", "add", "--quiet", str(tmp_path / "linked"))
        return tmp_path / "linked"
    above = Repo(tmp_path / "above")
    above.git("submodule", "--quiet", "add", str(repo.path), "sub")
    return above.path / "sub"


@pytest.mark.parametrize("kind", ["work tree", "submodule"])
def test_a_linked_work_tree_and_a_submodule_are_read(kind: str, tmp_path: Path) -> None:
    """History, names of branches and what is staged there; its folder elsewhere points back at it."""
    target = linked(tmp_path, kind)
    (place,) = places(target)
    assert (place.path, look(Git(target)).coverage.complete) == ("a.txt", True)
    branch = "linked" if kind == "work tree" else "main"
    assert look(Git(target, revisions=f"HEAD..{branch}")).coverage.files == 0
    here = Repo.__new__(Repo)
    here.path, here._day = target, 0
    here.write(new_txt=f"token={key(SECRET, seed=7)}\n")
    here.git("add", "--all")
    (finding,) = look(Staged(target)).findings
    assert [place.path for place in finding.occurrences] == ["new.txt"]


@pytest.mark.parametrize("kind", ["work tree", "submodule"])
def test_a_git_file_that_is_copied_elsewhere_reads_nothing(kind: str, tmp_path: Path) -> None:
    """Whoever writes `gitdir:` into a folder does not get another's repository read: that names only its own work tree."""
    target = tmp_path / "hostile"
    target.mkdir()
    real = linked(tmp_path, kind)
    folder = (real / ".git").read_text().removeprefix("gitdir: ").strip()
    (target / ".git").write_text(f"gitdir: {(real / folder).resolve()}\n")
    refused(target)


@pytest.mark.parametrize("pointer", ["repository", "separate", "endless", "binary", "empty", "itself", "link", "none"])
def test_a_git_folder_elsewhere_is_refused_and_said(pointer: str, tmp_path: Path) -> None:
    """What `.git` points to may be any repository of this machine; the target does not choose."""
    repo = Repo(tmp_path / "r")
    repo.commit(a_txt=line())
    target = tmp_path / "target"
    target.mkdir()
    match pointer:
        case "link":
            (target / ".git").symlink_to(repo.path / ".git")
        case "none":
            pass
        case "separate":
            repo.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare.git"))
            (target / ".git").write_text(f"gitdir: {tmp_path}/bare.git\n")
        case _:
            texts = {
                "repository": f"gitdir: {repo.path}/.git\n".encode(),
                "endless": b"gitdir: " + b"a/" * 40_000,
                "binary": b"gitdir: \0\xff\n",
                "empty": b"",
                "itself": b"gitdir: .git\n",
            }
            (target / ".git").write_bytes(texts[pointer])
    refused(target)


def refused(target: Path) -> None:
    """Neither history nor staged files are read, and that is said."""
    for source in (Git(target), Staged(target)):
        coverage = look(source).coverage
        assert [(skip.path, skip.reason) for skip in coverage.skipped] == [(str(target), Gap.NOT_A_REPOSITORY)]
        assert coverage.files == 0


def _address(repo: Repo) -> None:
    repo.git("remote", "add", "origin", f"https://x:{key(SECRET)}@git.example.test/a.git")


def _old_fetch(repo: Repo) -> None:
    (repo.path / ".git/FETCH_HEAD").write_text(
        f"{'0' * 40}\tbranch 'main' of https://{key(SECRET)}@git.example.test/a\n"
    )


def _hook(repo: Repo) -> None:
    (repo.path / ".git/hooks").mkdir(exist_ok=True)
    (repo.path / ".git/hooks/pre-push").write_text(
        f"#!/bin/sh\ncurl -H 'Authorization: token {key(SECRET)}' https://h\n"
    )


def _unfinished_message(repo: Repo) -> None:
    (repo.path / ".git/COMMIT_EDITMSG").write_text(f"Use {key(SECRET)}\n")


def _moved_by(repo: Repo) -> None:
    log = repo.path / ".git/logs/HEAD"
    entry = f"{'0' * 40} {'1' * 40} A <a@b> 1 +0000\tclone: from https://{key(SECRET)}@h\n"
    log.write_text(log.read_text() + entry)


def _branch_called_objects(repo: Repo) -> None:
    (repo.path / ".git/logs/refs/heads/objects/ab").mkdir(parents=True)
    (repo.path / ".git/logs/refs/heads/objects/ab/c").write_text(line())


def _submodule_address(repo: Repo) -> None:
    inner = Repo(repo.path.parent / "inner")
    inner.commit(a_txt="one\n")
    repo.git("submodule", "--quiet", "add", str(inner.path), "sub")
    config = repo.path / ".git/modules/sub/config"
    config.write_text(config.read_text() + f'[remote "up"]\n\turl = https://{key(SECRET)}@git.example.test/a.git\n')


BESIDE = [_address, _old_fetch, _hook, _unfinished_message, _moved_by, _branch_called_objects, _submodule_address]


@pytest.mark.parametrize("hide", BESIDE, ids=lambda hide: hide.__name__.strip("_"))
@pytest.mark.parametrize("source", [Git, Files])
def test_a_key_beside_the_objects_is_found(
    hide: Callable[[Repo], None], source: Callable[[Path], Source], tmp_path: Path
) -> None:
    """In the files that git keeps for itself: under one name, whether the folder or its history was asked for."""
    repo = Repo(tmp_path / "r")
    repo.commit(a_txt="one\n")
    hide(repo)
    (finding,) = look(source(repo.path)).findings
    (place,) = finding.occurrences
    assert place.path.startswith(f"{repo.path}/.git/")
    assert Path(place.path).read_bytes()[place.start : place.end].endswith(key(SECRET).encode())


def test_objects_are_not_read_as_files(tmp_path: Path) -> None:
    """They are compressed; what else lies among them is read, and folders of that name elsewhere are."""
    repo = Repo(tmp_path / "r")
    repo.commit(a_txt="one\n", objects__ab__b_txt="two\n")
    (repo.path / ".git/objects/info").mkdir(exist_ok=True)
    (repo.path / ".git/objects/info/odd").write_text(line())
    names = [name_of(blob.origin).removeprefix(f"{repo.path}/") for blob in Files(repo.path).blobs(CoverageLog())]
    assert {"objects/ab/b.txt", ".git/objects/info/odd", ".git/config", ".git/HEAD"} <= set(names)
    assert ".git/index" not in names
    assert [name for name in names if name.startswith(".git/objects/")] == [".git/objects/info/odd"]


def test_a_commit_of_deletions_alone_is_complete(tmp_path: Path) -> None:
    """There was something to look at, and none of it has content: a hook lets it pass."""
    repo = Repo(tmp_path / "r")
    repo.commit(a_txt="one\n", b_txt="two\n")
    repo.git("rm", "--quiet", "a.txt", "b.txt")
    coverage = look(Staged(repo.path)).coverage
    assert (coverage.files, coverage.contentless, coverage.complete) == (0, 2, True)


def test_nothing_staged_is_nothing_scanned(tmp_path: Path) -> None:
    """Perhaps it is the wrong folder: that is never a clean result."""
    repo = Repo(tmp_path / "r")
    repo.commit(a_txt="one\n")
    coverage = look(Staged(repo.path)).coverage
    assert (coverage.files, coverage.contentless, coverage.complete) == (0, 0, False)


def test_a_staged_submodule_is_no_gap(tmp_path: Path) -> None:
    """Its id is a commit of another repository; `.gitmodules`, staged with it, is read."""
    repo, inner = Repo(tmp_path / "r"), Repo(tmp_path / "inner")
    inner.commit(a_txt="one\n")
    repo.commit(a_txt="one\n")
    repo.git("submodule", "--quiet", "add", str(inner.path), "sub")
    coverage = look(Staged(repo.path)).coverage
    assert (coverage.files, coverage.contentless, coverage.skipped) == (1, 1, ())


def test_a_shallow_clone_is_read(tmp_path: Path) -> None:
    """What is there is found and placed, and that older commits are missing is said."""
    repo = Repo(tmp_path / "r")
    repo.commit(a_txt="one\n")
    last = repo.commit(b_txt=line())
    repo.git("clone", "--quiet", "--depth=1", f"file://{repo.path}", str(tmp_path / "shallow"))
    (place,) = places(tmp_path / "shallow")
    assert (place.path, place.commit) == ("b.txt", last)
    assert [skip.reason for skip in look(Git(tmp_path / "shallow")).coverage.skipped] == [Gap.TRUNCATED]


def test_a_range_is_what_its_commits_brought(tmp_path: Path) -> None:
    """Older keys are not reported, those of the range are, by names or by ids."""
    repo = Repo(tmp_path / "r")
    first = repo.commit(a_txt=f"token={key(SECRET, seed=1)}\n")
    repo.git("tag", "start")
    last = repo.commit(b_txt=line())
    for revisions in (f"{first}..{last}", "start..main", "start..HEAD", "start.."):
        (place,) = places(repo.path, revisions=revisions)
        assert place.path == "b.txt", revisions


@pytest.mark.parametrize("revisions", ["main", "none..main", "main..none", "--output=x..main", "..", "a\nb..c"])
def test_a_range_that_names_no_commits_is_refused(revisions: str, tmp_path: Path) -> None:
    """As a usage error, and never handed to git as an option."""
    repo = Repo(tmp_path / "r")
    repo.commit(a_txt=line())
    with pytest.raises(UsageError):
        look(Git(repo.path, revisions=revisions))
    assert not Path("x").exists()


def test_staged_is_what_the_next_commit_would_bring(tmp_path: Path) -> None:
    """Neither what is committed already nor what is only in the work tree, and each path of the same content."""
    repo = Repo(tmp_path / "r")
    repo.commit(old_txt=f"token={key(SECRET, seed=1)}\n")
    repo.write(b_txt=line(), sub__c_txt=line())
    repo.git("add", "--all")
    repo.write(d_txt=f"token={key(SECRET, seed=2)}\n", b_txt="changed since\n")
    (finding,) = look(Staged(repo.path)).findings
    assert [place.path for place in finding.occurrences] == ["b.txt", "sub/c.txt"]


def test_staged_before_the_first_commit(tmp_path: Path) -> None:
    """There is no HEAD yet."""
    repo = Repo(tmp_path / "r")
    repo.write(a_txt=line())
    repo.git("add", "--all")
    (finding,) = look(Staged(repo.path)).findings
    assert finding.occurrences[0].path == "a.txt"


def test_a_path_in_history_may_hold_anything(tmp_path: Path) -> None:
    """Line breaks, terminal escapes, bytes that are no text: the path arrives as it is."""
    repo = Repo(tmp_path / "r")
    name = "a\n\x1b[31m\udcff.txt"
    (repo.path / name).write_text(line())
    repo.git("add", "--all")
    repo.git("commit", "--quiet", "-m", "x")
    (place,) = places(repo.path)
    assert place.path == name


def test_a_commit_that_forges_the_format_of_the_log_is_no_author(tmp_path: Path) -> None:
    """The author's name is what the commit says, control characters of our own reading of the log included."""
    repo = Repo(tmp_path / "r")
    commit = repo.commit(author="Eve \x01 Mallory", a_txt=line())
    (place,) = places(repo.path)
    assert place.commit == commit


def test_replaced_objects_are_ignored(tmp_path: Path) -> None:
    """`git replace` would show an innocent object in the place of the leaked one."""
    repo = Repo(tmp_path / "r")
    repo.commit(a_txt=line())
    leaked = repo.git("rev-parse", "HEAD:a.txt")
    innocent = repo.git("hash-object", "-w", "--stdin", stdin=b"nothing here\n")
    repo.git("replace", leaked, innocent)
    assert len(places(repo.path)) == 1

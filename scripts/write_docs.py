#!/usr/bin/env python3
"""Write the generated pages: the command line, the rules, the providers, and the code map of ARCHITECTURE.md.

`scripts/write_docs.py` writes them; with `--check` it names those that are not current, and ends with 1.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import fields
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import click

from keysweep.commands._tree import TREE
from keysweep.rotation import agent_catalog, provider_catalog
from keysweep.rotation.engine.checklist import outline
from keysweep.rotation.engine.plan import plan
from keysweep.rotation.engine.steps import Mode
from keysweep.rotation.providers import Kind, Provider
from keysweep.rules.ruleset import load_ruleset

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- code map: begin (make docs) -->", "<!-- code map: end -->"
_COLUMNS = 78
"""What click leaves of a terminal of 80 columns."""
_ROOMS = ("keysweep", "rules", "scanner", "rotation", "reports", "samples", "scripts")
_CALLS = tuple(f.name for f in fields(Provider) if f.name not in {"title", "facts", "probe", "runbook"})
_NOTE = "<!-- Written by `make docs`; do not edit. -->\n\n"


def pages() -> dict[Path, str]:
    """Return every generated file, by its path below the root, as it should be."""
    written = {
        Path("docs/cli.md"): _cli(),
        Path("docs/rules.md"): _rules(),
        Path("docs/agents.md"): _agents(),
        Path("docs/providers/README.md"): _provider_index(),
        Path("ARCHITECTURE.md"): _with_code_map((ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")),
    }
    for name in provider_catalog.names():
        written[Path(f"docs/providers/{name}.md")] = _provider(name, provider_catalog.get(name))
    return written


def commands_of(
    group: click.Group, above: click.Context | None = None
) -> Iterator[tuple[click.Context, click.Command]]:
    """Yield every command below and including *group*, each with the context in which its help is printed."""
    context = click.Context(
        group,
        info_name="keysweep" if above is None else group.name,
        parent=above,
        terminal_width=_COLUMNS,
        **group.context_settings,
    )
    yield context, group
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            command.name = name
            yield from commands_of(command, context)
        elif command is not None:
            yield click.Context(command, info_name=name, parent=context, terminal_width=_COLUMNS), command


def modules() -> tuple[Path, ...]:
    """Return every module of the product, its samples and its scripts, by path below the root; empty ones left out."""
    found = [
        path.relative_to(ROOT)
        for room in _ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
        if path.read_text(encoding="utf-8").strip()
    ]
    return tuple(path for path in found if not any((ROOT / parent).is_symlink() for parent in path.parents))


def field_docs(path: Path, name: str) -> dict[str, str]:
    """Return the text below each field of a class, as the source has it."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    body = next(node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    docs: dict[str, str] = {}
    for field, below in pairwise(body):
        match field, below:
            case (
                ast.AnnAssign(target=ast.Name(id=named)) | ast.Assign(targets=[ast.Name(id=named)]),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                docs[named] = " ".join(text.split())
            case _:
                pass
    return docs


def main(arguments: list[str]) -> int:
    """Write the pages, or check that they are current."""
    stale = {path: text for path, text in pages().items() if not _is_current(ROOT / path, text)}
    gone = _left_over(set(pages()))
    if "--check" in arguments:
        for path in sorted({*stale, *gone}):
            sys.stderr.write(f"{path} is not current: make docs\n")
        return 1 if stale or gone else 0
    for path, text in stale.items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text, encoding="utf-8")
        sys.stdout.write(f"wrote {path}\n")
    for path in gone:
        (ROOT / path).unlink()
        sys.stdout.write(f"removed {path}\n")
    return 0


def _is_current(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


def _left_over(wanted: set[Path]) -> set[Path]:
    """Return pages of providers that are no more."""
    return {path.relative_to(ROOT) for path in (ROOT / "docs/providers").glob("*.md")} - wanted


def _cli() -> str:
    parts = [
        _NOTE + "# The command line\n\n"
        "What each command prints on `--help`, at 80 columns. Results go to standard output, everything else to standard error.\n"
        "What a process ends with stands in [exit-codes.md](exit-codes.md), settings in [settings.md](settings.md).\n\n"
        "`--config`, `--store`, `--key-file`, `-q`, `-v` and `--no-color` may stand before or behind a command's name; the help of a\n"
        "command leaves them out. No option takes a key, and none prints one.\n"
    ]
    for context, command in commands_of(TREE):
        path = context.command_path
        if isinstance(command, click.Group) and path != "keysweep":
            parts.append(f"\n## {path}\n\n{_help(context, command)}")
            continue
        level = "###" if path.count(" ") > 1 else "##"
        parts.append(f"\n{level} {path}\n\n{_help(context, command)}{_variables(context, command)}")
    return "".join(parts)


def _help(context: click.Context, command: click.Command) -> str:
    return f"```console\n$ {context.command_path} --help\n{command.get_help(context)}\n```\n"


def _variables(context: click.Context, command: click.Command) -> str:
    names = [
        f"`{context.auto_envvar_prefix}_{option.name.upper()}`"
        for option in command.params
        if isinstance(option, click.Option) and option.name and option.allow_from_autoenv and option.expose_value
    ]
    return f"\nEnvironment: {', '.join(names)}.\n" if names else ""


def _rules() -> str:
    rules = load_ruleset().rules
    vendors = len({rule.provider for rule in rules})
    rows = [
        f"| {rule.provider} | `{rule.id}` | {rule.severity.value} | {_code(rule.prefix)} | {_cell(rule.grants)} | "
        f"{', '.join(f'`{check}`' for check in rule.checks)} | {' '.join(f'[source]({url})' for url in rule.references)} |"
        for rule in sorted(rules, key=lambda rule: (rule.provider, rule.id))
    ]
    head = "| Provider | Rule | Severity | Prefix | What a stranger can do with it | Checks | Format |\n|---|---|---|---|---|---|---|\n"
    return (
        f"{_NOTE}# The rules\n\n{len(rules)} rules of {vendors} providers, from `rules/packs/*.toml`. `keysweep rules show ID` prints one;\n"
        "`keysweep rules check` holds each to its examples and negatives. A provider called `ambiguous` means that several vendors\n"
        "share the shape. Checks are functions of `rules/checks.py`: a candidate that fails one is no key.\n\n"
        f"{head}" + "\n".join(rows) + "\n"
    )


def _agents() -> str:
    head = (
        f"{_NOTE}# Kinds of agents\n\nHow a new key gets to an agent, and how the agent is seen to hold it: `keysweep agents add NAME --kind KIND --set "
        "SETTING=VALUE`.\nSettings are public. What counts as seen stands in [attestation.md](attestation.md); how to add a kind in\n"
        "[CONTRIBUTING.md](../CONTRIBUTING.md#a-kind-of-agent). Every kind takes `users`, too: who may ask the [daemon](daemon.md) in its name.\n"
    )
    parts = [head]
    for name in agent_catalog.names():
        agent = agent_catalog.get(name)
        rows = "".join(
            f"| `{setting.removesuffix('*')}` | {'' if setting.endswith('*') else 'yes'} | {_cell(meaning)} |\n"
            for setting, meaning in agent.settings.items()
        )
        table = f"| Setting | Needed | Meaning |\n|---|---|---|\n{rows}" if rows else "No settings.\n"
        parts.append(f"\n## {name}\n\n{_docstring(Path(f'rotation/agents/{name}.py'))}\n\n{table}")
    return "".join(parts)


def _provider_index() -> str:
    rows = [
        f"| [{provider.title}]({name}.md) | `{name}` | {provider.facts.kind.value} | {provider.facts.proven_on} |"
        for name, provider in _providers()
    ]
    return (
        f"{_NOTE}# Providers\n\nWhose keys keysweep rotates. Keys of every other provider are found, mapped and listed, and replaced by hand:\n"
        "`keysweep keys set NAME`. How to add one: [CONTRIBUTING.md](../../CONTRIBUTING.md#a-provider).\n\n"
        "| Provider | Name | Class | Proven on |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"
    )


def _provider(name: str, provider: Provider) -> str:
    source = Path(f"rotation/providers/{name}.py")
    seam = Path("rotation/providers/__init__.py")
    kinds = field_docs(seam, "Kind")
    told = field_docs(seam, "Facts")
    facts = "\n".join(
        f"| `{field}` | {_value(getattr(provider.facts, field))} | {_cell(told.get(field) or _first(Kind.__doc__ or ''))} |"
        for field in provider.facts.__dataclass_fields__
    )
    calls = field_docs(seam, "Provider")
    has = "\n".join(f"- `{call}`: {calls[call]}" for call in ("probe", *_CALLS) if getattr(provider, call) is not None)
    steps = "\n".join(
        f"- {mode.value}: {', '.join(f'`{s.value}`' for s in plan(provider.facts, mode, standby=True, has_admin=True).steps)}"
        for mode in Mode
    )
    return (
        f"{_NOTE}# {provider.title}\n\n{_docstring(source)}\n\nClass `{provider.facts.kind.value}`: {kinds[provider.facts.kind.name]}\n"
        f"Source: [`{source}`](../../{source}).\n\n## Facts\n\n| Fact | Value | Meaning |\n|---|---|---|\n{facts}\n\n"
        f"## Calls\n\n{has}\n\n## Steps of a rotation\n\n{steps}\n{_by_hand(provider)}"
    )


def _by_hand(provider: Provider) -> str:
    """Say what a person does, where the vendor has no API for its keys."""
    if provider.runbook is None:
        return ""
    told = "\n".join(
        f"{number}. {task[0].upper()}{task[1:]}." for number, task in enumerate(outline(provider.runbook), 1)
    )
    return f"\n## What a person does\n\n`keysweep rotate NAME` shows this list, with what is done.\n\n{told}\n"


def _providers() -> Iterator[tuple[str, Provider]]:
    for name in provider_catalog.names():
        yield name, provider_catalog.get(name)


def _value(value: object) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case timedelta():
            return f"{value.total_seconds():g} s"
        case _:
            return str(value)


def _with_code_map(text: str) -> str:
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{_code_map()}{END}{tail}"


def _code_map() -> str:
    parts = []
    folder = None
    for path in sorted(modules(), key=lambda p: (_ROOMS.index(p.parts[0]), p.parent.as_posix(), p.name)):
        if path.parent != folder:
            folder = path.parent
            parts.append(f"\n#### `{folder}/`\n\n| module | what it is |\n|---|---|\n")
        parts.append(f"| `{path.name}` | {_cell(_first(_docstring(path)))} |\n")
    return "".join(parts) + "\n"


def _docstring(path: Path) -> str:
    return ast.get_docstring(ast.parse((ROOT / path).read_text(encoding="utf-8"))) or ""


def _first(text: str) -> str:
    """Return the first paragraph on one line."""
    return " ".join(text.partition("\n\n")[0].split())


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""``tocsin domain``: begin a domain of one's own, and see whether it is enough for a first model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.markup import escape
from rich.table import Table

from streams.cli import common
from streams.cli.domain_files import Account, look_through, write_folder
from streams.contract.domain import Domain, Label, NoDomainError, load_domain
from streams.contract.reply_rules import ReplyRules
from streams.logic.domains.finding import Level
from streams.logic.domains.skeleton import skeleton

app = typer.Typer(help="Begin a domain of your own, and check it.", no_args_is_help=True)

_ASKS_PERSON = "speak_to_person"
_TOLD = 30
_MARKS = {"error": "[bold red]error[/]", "warning": "[yellow]warning[/]", "note": "note"}


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits and _, such as railway.")],
    *,
    folder: Annotated[
        Path | None, typer.Option(help="Where it is made; domains/NAME if not given.", show_default=False)
    ] = None,
    title: Annotated[str | None, typer.Option(help="For people; the name if not given.", show_default=False)] = None,
    topics: Annotated[str, typer.Option(help="Names of its topics, parted by commas: two at least.")] = (
        "service,products,company"
    ),
    intents: Annotated[
        str, typer.Option(help="Names of what its customers want, parted by commas; '' for no customers.")
    ] = f"question,complaint,{_ASKS_PERSON},other",
    language: Annotated[str, typer.Option(help="ISO 639 code of its language.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="Print the files as JSON, for scripts.")] = False,
) -> None:
    """Make the folder of a domain: domain.toml with every key explained, seed files and answers with worked lines.

    Nothing is overwritten. The worked lines begin with EXAMPLE: put messages of your own in their place.

    Example: `tocsin domain new railway --topics delays,tickets,comfort,works --intents refund,lost_property,other`
    """
    where = folder or Path("domains", name)
    domain = _named(name, title or _title(name), topics, intents, language, where)
    files = skeleton(domain, str(where))
    write_folder(where, files)
    made = [str(where / file) for file in files]
    if as_json:
        common.print_json({"domain": name, "folder": str(where), "files": made})
        return
    for file in made:
        common.say(file)
    common.say(
        f"\nNext: write examples in {where / 'seed'}, then `tocsin domain check {where}`.\n"
        f"`export TOCSIN_DOMAIN={where}` makes it the domain of every command."
    )


@app.command()
def check(
    folder: Annotated[
        str | None,
        typer.Argument(
            metavar="[FOLDER|NAME]", help="A domain; that of the settings if not given.", show_default=False
        ),
    ] = None,
    *,
    strict: Annotated[bool, typer.Option("--strict", help="End with 1 for warnings too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with every finding.")] = False,
) -> None:
    """Read all of a domain and tell what is wrong, and what is missing for a first model; exit 1 for errors.

    An error stops a first model or makes it wrong; a warning makes it weak; a note is worth a look.

    Example: `tocsin domain check domains/railway`
    """
    settings = common.settings()
    account = look_through(_loaded(folder or settings.domain), settings.model.base)
    if as_json:
        common.print_json(account)
    else:
        _print(account)
    if account.count("error") or (strict and account.count("warning")):
        raise typer.Exit(common.FAILED)


def _loaded(named: str) -> Domain:
    try:
        return load_domain(named)
    except NoDomainError as error:
        raise common.CommandError(f"{error}: `tocsin domain new NAME` makes one", common.NOT_FOUND) from error


def _named(name: str, title: str, topics: str, intents: str, language: str, folder: Path) -> Domain:
    """A domain that has only names.

    Raises:
        CommandError: A name is impossible; the message says of what.
    """
    wanted = _several(intents)
    try:
        return Domain(
            name=name,
            title=title,
            language=language,
            topics=tuple(Label(name=topic, title=_title(topic)) for topic in _several(topics)),
            intents=tuple(Label(name=intent, title=_title(intent)) for intent in wanted),
            replies=ReplyRules(asks_person=tuple({_ASKS_PERSON} & set(wanted)), languages=(language,)),
            folder=folder,
        )
    except ValidationError as error:
        told = "; ".join(f"{item.get('input')!r}: {item['msg']}" for item in error.errors(include_url=False))
        raise common.CommandError(
            f"{told}. Names are lower-case letters, digits and _, beginning with a letter; two topics at least", 2
        ) from None


def _several(text: str) -> list[str]:
    return [name for part in text.split(",") if (name := part.strip())]


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _print(account: Account) -> None:
    table = Table("", "label", "examples", "held out")
    for count in account.labels:
        table.add_row(count.head, count.label, str(count.examples), str(count.held_out))
    common.out.print(table)
    common.say(
        f"{common.some(account.examples, 'example')}, {account.held_out} of them held out for testing; "
        f"{common.some(account.answers, 'answer')} and {common.some(account.pages, 'page')}"
    )
    alike: dict[tuple[str, str, str], list[str]] = {}
    for finding in account.findings:
        alike.setdefault((finding.level, finding.problem, finding.advice), []).append(finding.place)
    for (level, problem, advice), places in list(alike.items())[:_TOLD]:
        more = f" and {common.some(len(places) - 1, 'more place')}" if len(places) > 1 else ""
        common.out.print(
            f"{_MARKS[level]} {escape(places[0])}{more}: {escape(problem)}\n    {escape(advice)}",
            highlight=False,
            soft_wrap=True,
        )
    if len(alike) > _TOLD:
        common.say(f"... and {len(alike) - _TOLD} more: --json tells all")
    levels: tuple[Level, ...] = ("error", "warning", "note")
    counts = [common.some(account.count(level), level) for level in levels]
    verdict = (
        "mend the errors first" if account.count("error") else "`tocsin models bootstrap` makes a first model of it"
    )
    common.say(f"{account.domain}: {', '.join(counts)}; {verdict}")

"""`wanneng audit verify`."""

from collections.abc import Sequence
from typing import Any

from rich.text import Text
from sqlalchemy.exc import SQLAlchemyError

from audit.invariant import LIMIT
from audit.verify import Result, verify
from cli.app import App
from cli.command import command, pass_app
from cli.failures import REFUSED, CouldNotLook, end


@command("verify", examples=["wanneng audit verify", "wanneng audit verify --json | jq .holds"])
@pass_app
def verify_all(app: App) -> None:
    """Check that everything adds up.

    Every invariant is looked at from the stored rows alone, on one snapshot, while the service
    goes on. Exit code 0: all hold; 1: one is broken, with the first rows that break it; 2: it
    could not be looked. Nobody needs to be signed in.
    """
    try:
        with app.out.progress("invariants") as progress:
            results = verify(app.db, progress)
    except SQLAlchemyError as error:
        raise CouldNotLook(f"the database could not be read ({type(error).__name__})") from error
    app.out.result(_plain(results), *audit_lines(results))
    if not all(result.holds for result in results):
        end(REFUSED)


def audit_lines(results: Sequence[Result]) -> list[Text]:
    """Return one line for each invariant, its offences below it, and the sum of all."""
    lines: list[Text] = []
    for result in results:
        lines.append(_line(result))
        lines += [_offence(item.subject, item.facts) for item in result.offences]
        if len(result.offences) == LIMIT:
            lines.append(Text("      … and maybe more; mend these first"))
    broken = sum(not result.holds for result in results)
    summary = f"{len(results) - broken} of {len(results)} invariants hold"
    return [*lines, Text(summary, "bold red" if broken else "bold green")]


def _line(result: Result) -> Text:
    mark = Text("✓ ", "green") if result.holds else Text("✗ ", "bold red")
    return Text.assemble(mark, Text(f"{result.invariant.code:<22} "), result.invariant.en)


def _offence(subject: str, facts: Any) -> Text:
    told = ", ".join(f"{name} {value}" for name, value in facts.items())
    return Text(f"      {subject}: {told}" if told else f"      {subject}", "red")


def _plain(results: Sequence[Result]) -> dict[str, Any]:
    return {
        "holds": all(result.holds for result in results),
        "invariants": [
            {
                "code": result.invariant.code,
                "holds": result.holds,
                "zh": result.invariant.zh,
                "en": result.invariant.en,
                "seconds": round(result.seconds, 3),
                "offences": [
                    {"subject": item.subject, "facts": dict(item.facts)} for item in result.offences
                ],
            }
            for result in results
        ],
    }

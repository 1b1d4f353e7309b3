"""Secrets: asked for without echo on a terminal, else read from stdin, never from arguments."""

import sys
from collections.abc import Sequence

import rich_click as click

from cli.app import stdin_is_terminal


def ask_secrets(*prompts: str) -> Sequence[str]:
    """Return one secret for each prompt: without echo, or one line of stdin each."""
    if stdin_is_terminal():
        return [click.prompt(text, hide_input=True, err=True) for text in prompts]
    return [_line(text) for text in prompts]


def ask_new_secret(prompt: str) -> str:
    """Return a new secret, asked for twice; or the next line of stdin."""
    if not stdin_is_terminal():
        return _line(prompt)
    secret: str = click.prompt(prompt, hide_input=True, confirmation_prompt=True, err=True)
    return secret


def ask(prompt: str, given: str | None) -> str:
    """Return what was given, or ask for it; UsageError where nobody can be asked."""
    if given is not None:
        return given
    if not stdin_is_terminal():
        raise click.UsageError(f"{prompt} is missing, and there is no terminal to ask at")
    answer: str = click.prompt(prompt, err=True)
    return answer


def _line(what: str) -> str:
    line = sys.stdin.readline()
    if not line.strip("\r\n"):
        raise click.UsageError(f"{what} is missing: write it into stdin, one line each")
    return line.rstrip("\r\n")

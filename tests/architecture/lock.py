"""What is wrong with the lock: the exact, hashed packages of requirements/*.txt."""

import re
from collections.abc import Iterable, Mapping

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PYTHONS = ("3.11", "3.12", "3.13")
Locked = Mapping[str, list[Requirement]]

_PACKAGE = re.compile(r"^[a-z0-9].*?(?= *\\$|$)", re.MULTILINE)


def parse(text: str) -> Locked:
    """Return the locked packages by name; one may stand there twice, for different machines."""
    found: dict[str, list[Requirement]] = {}
    for line in _PACKAGE.findall(text):
        requirement = Requirement(line)
        found.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return found


def stray_lines(text: str) -> list[str]:
    """Lines that are neither a comment, nor an exact version, nor a hash: options, addresses."""
    comment, hashed = r"#[ \w]*:?[ \w`]*", r" {4}--hash=sha256:[0-9a-f]{64}( \\)?"
    exact = r"[a-z0-9][a-z0-9.-]*==[a-z0-9.+!]+( ; [^/\\]+)? \\"
    allowed = re.compile(f"{comment}|{exact}|{hashed}")
    return [line for line in text.splitlines() if line and not allowed.fullmatch(line)]


def unhashed(text: str) -> list[str]:
    """Packages without a hash on the line below."""
    lines = text.splitlines()
    following = [*lines[1:], ""]
    return [
        line
        for line, below in zip(lines, following, strict=True)
        if "==" in line and "--hash=" not in below
    ]


def unsatisfied(wanted: Iterable[str], locked: Locked) -> list[str]:
    """What pyproject.toml asks for and the lock does not give, on some version of Python."""
    return [
        f"{text} on Python {python}"
        for text in wanted
        for python in PYTHONS
        if not _is_satisfied(Requirement(text), locked, python)
    ]


def differing(part: Locked, whole: Locked) -> list[str]:
    """Packages of one lock that another one holds in a different version, or not at all."""
    return [
        name
        for name, requirements in part.items()
        if {str(item.specifier) for item in requirements}
        != {str(item.specifier) for item in whole.get(name, [])}
    ]


def _is_satisfied(wanted: Requirement, locked: Locked, python: str) -> bool:
    place = {"python_version": python, "python_full_version": f"{python}.0"}
    if wanted.marker is not None and not wanted.marker.evaluate(dict(place)):
        return True
    versions = [
        next(iter(item.specifier)).version
        for item in locked.get(canonicalize_name(wanted.name), [])
        if item.marker is None or item.marker.evaluate(dict(place))
    ]
    return len(versions) == 1 and wanted.specifier.contains(versions[0])

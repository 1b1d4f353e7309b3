"""What is wrong with a piece of source, as lines that name the place; empty when all is well."""

import ast
from collections.abc import Iterator

MAX_FUNCTION_LINES = 60
MAX_FILE_LINES = 400

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def long_functions(source: str) -> list[str]:
    """Functions longer than MAX_FUNCTION_LINES, from `def` to the last line."""
    return [
        f"{node.name} has {length} lines"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, _FUNCTIONS) and (length := _length(node)) > MAX_FUNCTION_LINES
    ]


def long_file(source: str) -> list[str]:
    """The file itself, when it is longer than MAX_FILE_LINES."""
    length = len(source.splitlines())
    return [f"it has {length} lines"] if length > MAX_FILE_LINES else []


def missing_docstrings(source: str) -> list[str]:
    """The module and its public functions, classes and methods that say nothing."""
    tree = ast.parse(source)
    found = [] if ast.get_docstring(tree) or not tree.body else ["the module"]
    return found + [name for name, node in _public(tree) if not ast.get_docstring(node)]


def environment_at_import(source: str) -> list[str]:
    """Places outside functions that read the environment."""
    return [f"line {line}" for line in sorted(_environment_lines(_outside_functions(source)))]


def environment_anywhere(source: str) -> list[str]:
    """Places that read the environment at all."""
    return [f"line {line}" for line in sorted(_environment_lines(ast.walk(ast.parse(source))))]


def prints(source: str) -> list[str]:
    """Calls of print."""
    return [
        f"line {node.lineno}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "print"
    ]


def forbidden_words(text: str, words: tuple[str, ...]) -> list[str]:
    """Lines in which one of the words stands."""
    return [
        f"line {number} has {word}"
        for number, line in enumerate(text.splitlines(), 1)
        for word in words
        if word in line.lower()
    ]


def _length(node: _Definition) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _public(
    parent: ast.Module | ast.ClassDef, prefix: str = ""
) -> Iterator[tuple[str, _Definition]]:
    for node in parent.body:
        if isinstance(node, _Definition) and not node.name.startswith("_"):
            yield prefix + node.name, node
            if isinstance(node, ast.ClassDef):
                yield from _public(node, f"{prefix}{node.name}.")


def _outside_functions(source: str) -> Iterator[ast.AST]:
    waiting: list[ast.AST] = [ast.parse(source)]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += [
            child for child in ast.iter_child_nodes(node) if not isinstance(child, _FUNCTIONS)
        ]


def _environment_lines(nodes: Iterator[ast.AST]) -> set[int]:
    return {
        node.lineno
        for node in nodes
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "environb", "getenv")
    }

"""What a student's file may contain, read from its syntax tree before anything runs.

The rules keep a check honest; they are no protection against an attack. Code of strangers belongs into a
container.
"""

import ast
from collections.abc import Sequence

from intro_dl.exercises.engine.exercise import MODULES, Exercise

BUILTINS = (
    "__import__", "breakpoint", "compile", "delattr", "eval", "exec", "exit", "getattr", "globals", "input",
    "locals", "open", "quit", "setattr", "vars",
)  # fmt: skip
ATTRIBUTES = ("hub", "importlib", "load", "multiprocessing", "os", "package", "save", "sys", "utils")


def violation(text: str, exercise: Exercise) -> str | None:
    """Return the first rule that a file breaks, in a sentence; None if it keeps all of them."""
    if not text.strip():
        return "The file is empty. `intro-dl exercises start` writes missing files; delete this one first."
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        where = f"Line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else "The file"
        return f"{where} is not valid Python: {getattr(error, 'msg', None) or error}."
    written = {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}
    written |= {
        target.id
        for each in tree.body
        if isinstance(each, ast.Assign | ast.AnnAssign)
        for target in (each.targets if isinstance(each, ast.Assign) else [each.target])
        if isinstance(target, ast.Name)
    }
    for name in exercise.functions:
        if name not in written:
            return f"The function {name} is missing. Its signature is in the file that `start` wrote."
    own = {each.id for each in ast.walk(tree) if isinstance(each, ast.Name) and not _is_load(each)}
    own |= {each.arg for each in ast.walk(tree) if isinstance(each, ast.arg)}
    own |= {each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in own:
            continue
        if problem := _problem(node, exercise.forbidden):
            return f"Line {node.lineno}: {problem}"  # pyrefly: ignore[missing-attribute]  these nodes have it
    return None


def _is_load(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Load)


def _problem(node: ast.AST, forbidden: Sequence[str]) -> str | None:
    by_hand = "is not allowed in this exercise: compute it yourself."
    if isinstance(node, ast.Import | ast.ImportFrom):
        modules = (
            [node.module or "."] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names]
        )
        for module in modules:
            if module.split(".")[0] not in MODULES:
                return f"import {module} is not allowed. An exercise may import {', '.join(MODULES)}."
        for part in [*".".join(modules).split("."), *(each.name for each in node.names)]:
            if part in ATTRIBUTES:
                return f"{part} is not allowed: an exercise reads and writes no files."
            if part in forbidden:
                return f"{part} {by_hand}"
    if isinstance(node, ast.Attribute):
        if node.attr in forbidden:
            return f".{node.attr} {by_hand}"
        if node.attr in ATTRIBUTES or (node.attr.startswith("__") and node.attr != "__init__"):
            return f".{node.attr} is not allowed in an exercise."
    if isinstance(node, ast.Name) and node.id in BUILTINS:
        return f"{node.id} is not allowed in an exercise."
    return None

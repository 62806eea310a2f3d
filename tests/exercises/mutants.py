"""Faulty solutions: one operator, comparison or constant of a solution is changed."""

import ast
import copy
from collections.abc import Iterator

OPERATORS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
             ast.MatMult: ast.Add, ast.FloorDiv: ast.Div, ast.Mod: ast.FloorDiv}  # fmt: skip
COMPARISONS = {ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt, ast.Eq: ast.NotEq,
               ast.NotEq: ast.Eq}  # fmt: skip


def mutants(solution: str, functions: list[str]) -> Iterator[tuple[str, str]]:
    """Yield what was changed, and the changed file, for each place in the functions that can be changed."""
    tree = ast.parse(solution)
    bodies = [each for each in tree.body if isinstance(each, ast.FunctionDef) and each.name in functions]
    places = [node for body in bodies for part in body.body for node in ast.walk(part)]
    for number in range(len(places)):
        changed = copy.deepcopy(tree)
        twins = [
            each for each in changed.body if isinstance(each, ast.FunctionDef) and each.name in functions
        ]
        node = [node for body in twins for part in body.body for node in ast.walk(part)][number]
        if _change(node):
            yield f"line {node.lineno}: {ast.unparse(node)}", ast.unparse(changed)


def _change(node: ast.AST) -> bool:
    if isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in OPERATORS:
        node.op = OPERATORS[type(node.op)]()
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARISONS:
        node.ops[0] = COMPARISONS[type(node.ops[0])]()
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        node.value = node.value + 1
    elif isinstance(node, ast.Constant) and type(node.value) is bool:
        node.value = not node.value
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node.op = ast.UAdd()
    else:
        return False
    return True

"""Faulty solutions: one operator, comparison, constant, argument or statement of a solution is changed."""

import ast
import copy
from collections.abc import Callable, Iterator

OTHER = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
    ast.MatMult: ast.Add, ast.FloorDiv: ast.Div, ast.Mod: ast.FloorDiv, ast.Lt: ast.GtE, ast.LtE: ast.Gt,
    ast.Gt: ast.LtE, ast.GtE: ast.Lt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.USub: ast.UAdd,
}  # fmt: skip


def mutants(solution: str, functions: list[str]) -> Iterator[tuple[str, str]]:
    """Yield what was changed, and the changed file, for each change of the functions."""
    tree = ast.parse(solution)
    for place, node in enumerate(_nodes(tree, functions)):
        for name, change in _changes(node).items():
            mutant = copy.deepcopy(tree)
            change(_nodes(mutant, functions)[place])
            text = ast.unparse(ast.fix_missing_locations(mutant))
            yield f"line {getattr(node, 'lineno', '?')}, {name}: {ast.unparse(node)[:60]}", text


def _nodes(tree: ast.Module, functions: list[str]) -> list[ast.AST]:
    bodies = [each for each in tree.body if isinstance(each, ast.FunctionDef) and each.name in functions]
    return [node for body in bodies for part in body.body for node in ast.walk(part)]


def _changes(node: ast.AST) -> dict[str, Callable[[ast.AST], None]]:
    changes: dict[str, Callable[[ast.AST], None]] = {}
    if type(getattr(node, "op", None)) in OTHER:
        changes["operator"] = lambda twin: setattr(twin, "op", OTHER[type(twin.op)]())
    if isinstance(node, ast.Compare) and type(node.ops[0]) in OTHER:
        changes["comparison"] = lambda twin: twin.ops.__setitem__(0, OTHER[type(twin.ops[0])]())
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        changes["one more"] = lambda twin: setattr(twin, "value", twin.value + 1)
        changes["one less"] = lambda twin: setattr(twin, "value", twin.value - 1)
    if isinstance(node, ast.Constant) and type(node.value) is bool:
        changes["negated"] = lambda twin: setattr(twin, "value", not twin.value)
    if isinstance(node, ast.Call) and len(node.args) > 1:
        changes["arguments reversed"] = lambda twin: twin.args.reverse()
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub | ast.Div | ast.MatMult | ast.Pow):
        changes["sides exchanged"] = _exchange
    if isinstance(node, ast.Return) and isinstance(node.value, ast.Call | ast.BinOp):
        changes["negated"] = lambda twin: setattr(twin, "value", ast.UnaryOp(ast.USub(), twin.value))
    if isinstance(node, ast.AugAssign):
        changes["nothing added"] = lambda twin: setattr(twin, "value", ast.Constant(0.0))
    return changes


def _exchange(twin: ast.AST) -> None:
    twin.left, twin.right = twin.right, twin.left

"""The shape comments of the models are true: each is compared with a tensor, at two input sizes.

A comment such as `# (B, 6, H/2, W/2)` gives the shape of the tensor that its line assigns or returns; after
an arrow, as in `# (B, N) -> (B, K)`, the last shape counts; of a tuple, the first tensor. The docstring gives
the shapes of arguments: "Return logits (B, K) of images (B, C, H, W)".
"""

import ast
import inspect
import re
import types

import pytest
import torch

from tests.conftest import ROOT

pytestmark = pytest.mark.quick

MODELS = sorted((ROOT / "intro_dl" / "models").rglob("*.py"))
MODELS = [path for path in MODELS if "def forward" in path.read_text()]
SIZES = [  # batch, image, number of classes, vocabulary, window; all different, and no image is square
    (2, (3, 28, 20), 7, 13, 5),
    (5, (1, 36, 44), 11, 17, 6),
]
VARIANTS = {  # that run every line
    "char_lstm": [{}, {"cell": "scratch", "layers": 2}],
    "torchvision": [{"name": "squeezenet1_0"}],  # reads at least 21x21 pixels
    "sentiment": [{"reader": "mean"}, {"reader": "lstm"}],
    "motif": [{"width": 3}],
    "gda": [{"shared": False}],
    "resnet": [{"depth": 8}, {"depth": 8, "shortcut": "projection"}],
}
OTHER_INPUTS = {  # of models that read neither images nor text: dimensions, inputs and targets
    "gcn": lambda batch, image, classes: (
        {"num_features": 4, "num_classes": classes},
        torch.rand(1, 6 * batch, 4 + 6 * batch).round(),
        torch.arange(6 * batch)[None] % classes,
    ),
    "gda": lambda batch, image, classes: (
        {"in_shape": (4,), "num_classes": classes},
        torch.rand(batch, 4),
        torch.arange(batch),
    ),
    "forecaster": lambda batch, image, classes: (
        {"length": 9, "num_features": 4, "num_outputs": 3},
        torch.rand(batch, 9, 4),
        torch.rand(batch, 3),
    ),
    "restorer": lambda batch, image, classes: (
        {"channels": image[0]},
        torch.rand(batch, *image),
        torch.rand(batch, *image),
    ),
}
SYMBOLS = {"K": "num_classes", "V": "vocab_size", "E": "embedding_size"}


class Instrument(ast.NodeTransformer):
    """Call `check` after each line with a shape comment, and `bind` at the start of each method."""

    def __init__(self, source: str) -> None:
        self.lines = source.splitlines()
        self.commented: set[int] = set()

    def comment(self, node: ast.stmt) -> str | None:
        found = re.search(r"# (?:.*-> )?\(([^()]*,[^()]*)\)", self.lines[node.end_lineno - 1])
        return found and found[1]

    def visit_FunctionDef(self, node):
        if node.name == "__init__":
            return node
        self.generic_visit(node)
        bind = f"_symbols = _bind(locals(), {ast.get_docstring(node)!r})"
        at = 1 if ast.get_docstring(node) else 0
        node.body[at:at] = ast.parse(bind).body
        return node

    def visit_Assign(self, node):
        if not (comment := self.comment(node)):
            return node
        self.commented.add(node.lineno)
        (target,) = node.targets
        name = ast.unparse(target.elts[0] if isinstance(target, ast.Tuple) else target)
        return [
            node,
            *ast.parse(f"_check({node.lineno}, {comment!r}, {name}, locals(), _symbols)").body,
        ]

    def visit_Return(self, node):
        if not (comment := self.comment(node)):
            return node
        self.commented.add(node.lineno)
        call = ast.parse(f"_check({node.lineno}, {comment!r}, 0, locals(), _symbols)", mode="eval").body
        call.args[2] = node.value
        node.value = call
        return node


def bind(variables, docstring):
    """Sizes of the symbols that the docstring gives to the arguments of a method."""
    symbols = {}
    for name, shape in re.findall(r"(\w+) \(([^()]*)\)", docstring or ""):
        value = variables.get(name)
        if isinstance(value, torch.Tensor) and "*" in shape:  # (B, *in_shape)
            symbols |= {"B": len(value), "N": value[0].numel()}
        elif isinstance(value, torch.Tensor):
            symbols |= dict(zip(shape.replace(" ", "").split(","), value.shape, strict=True))
    return symbols


def wrong_comments(source: str, name: str) -> tuple[list[str], set[int]]:
    """Run a model at two sizes; return its wrong comments, and the commented lines that never ran."""
    instrument, wrong, checked = Instrument(source), [], set()

    def check(line, comment, value, variables, symbols):
        tensor, owner = value, variables["self"]
        while isinstance(tensor, tuple):
            tensor = tensor[0]
        hparams = getattr(owner, "hparams", {})
        known = {**vars(owner), **hparams, **variables, **symbols}
        known |= {symbol: hparams[name] for symbol, name in SYMBOLS.items() if name in hparams}
        terms = [term.strip() for term in comment.split(",") if term.strip()]
        if terms[-1].startswith("*"):
            sizes = known[terms.pop()[1:]]
            terms += map(str, sizes)
        for term, size in zip(terms, tensor.shape, strict=False):
            if term.isidentifier() and not isinstance(known.get(term), int):
                symbols[term] = known[term] = size  # e.g. rows: the same in all comments of a call
        if [eval(term, {}, known) for term in terms] != list(tensor.shape):
            wrong.append(f"line {line}: ({comment}) is {tuple(tensor.shape)}")
        checked.add(line)
        return value

    tree = ast.fix_missing_locations(instrument.visit(ast.parse(source)))
    module = types.ModuleType(f"intro_dl.models.{name}")
    vars(module).update(_bind=bind, _check=check)
    exec(compile(tree, f"{name}.py", "exec"), vars(module))
    (model_class,) = (
        each
        for each in vars(module).values()
        if inspect.isclass(each) and each.__module__ == module.__name__ and hasattr(each, "optimize_with")
    )
    for batch, image, classes, characters, window in SIZES:
        classes = 2 if name == "perceptron" else classes
        dims = {"in_shape": image, "num_classes": classes, "vocab_size": characters}
        dims = {key: dims[key] for key in dims if key in inspect.signature(model_class).parameters}
        inputs, targets = torch.rand(batch, *image), torch.randint(classes, (batch,))
        if "vocab_size" in dims:
            inputs, following = torch.randint(characters, (2, batch, window))
            targets = targets if "num_classes" in dims else following
        if "num_classes" not in dims and "in_shape" in dims:
            targets = torch.rand(batch)
        if name in OTHER_INPUTS:
            dims, inputs, targets = OTHER_INPUTS[name](batch, image, classes)
        for arguments in VARIANTS.get(name, [{}]):
            with torch.no_grad():
                model = model_class(**dims, **arguments).eval()
                model(inputs), model.metrics((inputs, targets))
    return wrong, instrument.commented - checked


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_shape_comments_are_true_and_every_commented_line_runs(path):
    assert wrong_comments(path.read_text(), path.stem) == ([], set())


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_forward_says_what_shape_it_returns(path):
    source = path.read_text()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and node.name == "forward":
            returns = [each for each in ast.walk(node) if isinstance(each, ast.Return)]
            assert all(Instrument(source).comment(each) for each in returns)


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("lenet", "(B, 6, H/2, W/2)", "(B, 6, W/2, H/2)"),
        ("lenet", "(B, 16, rows, columns)", "(B, rows, columns, 16)"),
        ("resnet", "(B, n_out, H/stride, W/stride)", "(B, n_out, H, W)"),
        ("char_rnn", "(B, T, H)", "(T, B, H)"),
        ("softmax", "(B, N) -> (B, K)", "(B, N) -> (B, K, 1)"),
    ],
)
def test_a_wrong_comment_is_found(name, right, wrong):
    source = (ROOT / "intro_dl" / "models" / f"{name}.py").read_text()
    assert right in source
    found, _ = wrong_comments(source.replace(f"# {right}", f"# {wrong}"), name)
    assert found

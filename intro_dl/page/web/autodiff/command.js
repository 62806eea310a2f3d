"use strict";
/* The command line that computes the same derivatives with PyTorch. */

const TORCH_PRECEDENCE = { "+": 1, "-": 1, "*": 2, "/": 2, neg: 3, "^": 4 };

/** Write a number of JavaScript in Python. */
function pythonNumber(value) {
  return Number.isFinite(value) ? String(value) : `float('${value > 0 ? "inf" : value < 0 ? "-inf" : "nan"}')`;
}

/** Write a tree of readFormula in Python; `least` is the precedence below which it needs parentheses. */
function torchFormula(tree, least = 0) {
  const { op, operands, name, value } = tree;
  if (op === "variable") return name;
  if (op === "number") return value < 0 ? `(${pythonNumber(value)})` : pythonNumber(value);
  const own = TORCH_PRECEDENCE[op];
  if (!own) return `torch.${op}(${torchFormula(operands[0])})`;
  let text = `-${torchFormula(operands[0], own)}`;
  if (op === "^") text = `${torchFormula(operands[0], own + 1)} ** ${torchFormula(operands[1], 3)}`;
  else if (op !== "neg") text = `${torchFormula(operands[0], own)} ${op} ${torchFormula(operands[1], own + 1)}`;
  return own < least ? `(${text})` : text;
}

/** Return a command that prints z and its derivatives, by torch.autograd in double precision. */
function torchCommand(tree, variables, point) {
  const values = variables.map((name) => pythonNumber(point[name]));
  const inputs = `${variables.join(", ")}${variables.length === 1 ? "," : ""}`;
  const numbers = `${values.join(", ")}${values.length === 1 ? "," : ""}`;
  const lines = [
    "import torch",
    `${inputs} = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (${numbers}))`,
    `z = ${torchFormula(foldNumbers(tree))}`,
    "z.backward()",
    `print(${["z", ...variables.map((name) => `${name}.grad`)].map((each) => `${each}.item()`).join(", ")})`,
  ];
  return `python -c "${lines.join("; ")}"`;
}

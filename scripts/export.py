"""Export a trained model for other programs, and check that it gives the same numbers.

python scripts/export.py outputs/lenet/<time>                     ONNX, to <run>/export/
python scripts/export.py outputs/lenet/<time> format=onnx,safetensors
python scripts/export.py outputs/char_lstm/<time> format=onnx out=<directory> weights=last

The default of out is <run>/export, or <run>/export/last for weights=last.

onnx         model.onnx, for onnxruntime and other programs
safetensors  model.safetensors, the weights alone, by name

Both need: pip install -e ".[export]"
model.json describes how to use the model: input shapes, normalization, class names, alphabet. Normalize
inputs as described there. A batch may have any size. A text model reads one character and its previous state.

Exit code: 0, or 1 with an error message.
"""

import sys

from intro_dl.runs.program import run_script

if __name__ == "__main__":
    sys.exit(run_script(__doc__, "intro_dl.inference.export:main", sys.argv[1:]))

"""Write a trained model for other programs, checked to give the same numbers.

python scripts/export.py outputs/lenet/<time>                     ONNX, to <run>/export/
python scripts/export.py outputs/lenet/<time> format=onnx,torch_export,safetensors
python scripts/export.py outputs/char_lstm/<time> format=onnx out=<folder> weights=last

onnx          model.onnx, for onnxruntime and others; needs: pip install -e '.[export]'
torch_export  model.pt2, for torch.export.load without any code of intro_dl
safetensors   model.safetensors, the weights alone, by name; needs the same packages

model.json beside them says how to feed the model: input shapes, normalization, class names, alphabet. Inputs
are prepared as in training, a batch may have any size, and a text model reads one character and the state
before it.

Exit code: 0, or 1 with a sentence about what is wrong.
"""

import sys

from intro_dl.config.options import run_script
from intro_dl.inference.export import main

if __name__ == "__main__":
    sys.exit(run_script(__doc__, main, sys.argv[1:]))

"""Let a trained character model write, and see how much of it is new.

python scripts/sample.py outputs/char_lstm/<time>                         500 characters, as they are thrown
python scripts/sample.py outputs/char_lstm/<time> prompt="The with" length=2000 temperature=0.5
python scripts/sample.py outputs/char_lstm/<time> samples=3 top_k=5 seed=1
python scripts/sample.py outputs/char_lstm/<time> top_p=0.9 prompt="Où?" unknown=skip
python scripts/sample.py outputs/char_lstm/<time> samples=100 length=2000 prompt="X:1\\n" stop="\\n\\n"

prompt       what the text begins with; \\n is a new line
length       500 characters, each text, after the prompt
temperature  0.8; below 1 trusts the likeliest characters, above 1 gives the others a chance
top_k top_p  rule out all but the likeliest k characters, or those that together have probability p
seed         0; another one throws the dice anew
samples      1; more are written side by side, and the first is shown while they are
stop         a passage that ends a text, e.g. "\\n\\n", an empty line: the end of a tune
unknown      error, or skip: leave out characters of the prompt that the model never saw
weights      best, or last
format       auto, text, or abc: check tunes; auto does so for models trained on data=irish_abc
out          a new folder for what is written; tunes go to <run>/tunes/<time> without it
data.root data.path   where the training text is, if it has moved

Every tune is checked: its header, its notes, and whether its bars are as long as the metre says. The valid
ones are written as .abc and as MIDI.

Exit code: 0, or 1 with a sentence about what is wrong.
"""

import sys

from intro_dl.config.options import run_script
from intro_dl.inference.sample import main

if __name__ == "__main__":
    sys.exit(run_script(__doc__, main, sys.argv[1:]))

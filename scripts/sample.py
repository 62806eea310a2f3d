"""Sample text from a trained character model, and measure how much of it is copied.

python scripts/sample.py outputs/char_lstm/<time>                  500 characters, printed as they are sampled
python scripts/sample.py outputs/char_lstm/<time> prompt="The with" length=2000 temperature=0.5
python scripts/sample.py outputs/char_lstm/<time> samples=3 top_k=5 seed=1
python scripts/sample.py outputs/char_lstm/<time> top_p=0.9
python scripts/sample.py outputs/char_lstm/<time> samples=100 length=2000 prompt="X:1\\n" stop="\\n\\n"

prompt       the beginning of the text; \\n is a new line
length       500 characters for each text, after the prompt
temperature  0.8; below 1 favors likely characters, above 1 unlikely ones
top_k top_p  sample only from the k most likely characters, or from the fewest with total probability p
seed         0; another seed gives another text
samples      1; with more, the texts are sampled together, and the first is printed as it is sampled
stop         ends a text after this passage, e.g. "\\n\\n", an empty line: the end of a tune
weights      best, or last
format       auto, text, or abc: check tunes; auto checks those of models trained on data=irish_abc
out          a new directory for the texts; the default for tunes is <run>/tunes/<time>

abc2midi checks every tune: its header, its notes, and whether the length of its bars fits the meter. Valid
tunes are written as .abc and as MIDI. This needs: pip install -e ".[music]" (it installs a GPL program).

Exit code: 0, or 1 with an error message.
"""

import sys

from intro_dl.runs.program import run_script

if __name__ == "__main__":
    sys.exit(run_script(__doc__, "intro_dl.inference.sample:main", sys.argv[1:]))

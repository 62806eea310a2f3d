"""Ask a trained run about images, or about rows of numbers.

python scripts/predict.py outputs/lenet/<time> digit.png photo.jpg       files
python scripts/predict.py outputs/lenet/<time> scans/ top=5              all images in and below a folder
ls *.png | python scripts/predict.py outputs/lenet/<time> -            names, or one image, from stdin
python scripts/predict.py outputs/lenet/<time> scans/ format=json        also format=csv; out=<file>
python scripts/predict.py outputs/perceptron/<time> students.csv         points: the rows of a CSV file
python scripts/predict.py outputs/perceptron/<time> 4,5 8,1              or the numbers as they are

Images may have any size, be grey or in color, have 16 bits or transparent parts. For a run trained on
drawings such as MNIST, invert=auto (yes, no) turns dark on light into light on dark, and frame=auto (no)
brings a drawing of another size to the size and the place that theirs have; the last column says what was
done. weights=last takes those of the last epoch.

Exit code: 0; 1 if something could not be read, said in a sentence each, while all the rest was predicted.
"""

import sys

from intro_dl.config.options import run_script
from intro_dl.inference.predict import main

if __name__ == "__main__":
    sys.exit(run_script(__doc__, main, sys.argv[1:]))

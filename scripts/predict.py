"""Predict with a trained run: images, or rows of numbers.

python scripts/predict.py outputs/lenet/<time> digit.png photo.jpg       files
python scripts/predict.py outputs/lenet/<time> scans/ top=5              all images in and below a directory
python scripts/predict.py outputs/lenet/<time> scans/ format=json        also format=csv; out=<file>
python scripts/predict.py outputs/perceptron/<time> students.csv         points: the rows of a CSV file
python scripts/predict.py outputs/perceptron/<time> 4,5 8,1              points: numbers

Images may have any size; grey, color and 16 bits are fine, and transparent parts become white. For a run
trained on drawings such as MNIST, invert=auto (or yes, no) turns dark on light into light on dark, and
digit_box=auto (or no) scales and centers a drawing like the training drawings. In a photograph of paper it
also removes shadows, and takes the largest of several drawings. The last column lists these changes.
show=<file>.png writes a picture of each image beside what the network read. weights=last uses the weights of
the last epoch.

Exit code: 0, or 1 if an input could not be read; the other inputs are still predicted.
"""

import sys

from intro_dl.runs.program import run_script

if __name__ == "__main__":
    sys.exit(run_script(__doc__, "intro_dl.inference.predict:main", sys.argv[1:]))

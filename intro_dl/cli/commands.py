"""The commands: `intro-dl <name>`, `python -m intro_dl <name>`, and `python scripts/<name>.py` in a checkout.

Imports little: --help and a typing mistake are answered at once.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from intro_dl.runs.program import repair_streams, run_script, tell


class Command(NamedTuple):
    """Where a command is, e.g. "intro_dl.cli.train:main", and how it is described."""

    main: str
    summary: str
    help: str | None = None  # None if the command itself answers --help


COMMANDS = {
    "train": Command("intro_dl.cli.train:main", "train a model, or one for each value of a sweep"),
    "evaluate": Command(
        "intro_dl.inference.evaluate:main",
        "measure a trained run: each class, calibration, mistakes",
        """\
Evaluate a trained run: loss, accuracy, each class, the confusion matrix, calibration and mistakes.

intro-dl evaluate outputs/lenet/<time>                   the best weights on the test split
intro-dl evaluate outputs/lenet/<time> split=val         on the validation split
intro-dl evaluate outputs/lenet/<time> data=mnist        on other data of the same classes and sizes
intro-dl evaluate outputs/lenet/<time> data.root=/data   on its own data in another directory
intro-dl evaluate outputs/lenet/<time> weights=last out=<directory>

Inputs are always normalized with the mean and the standard deviation of the run. For a
regression, errors are in the unit of the target; for a text model, there are bits for each character.
Tables (CSV), pictures (PNG) and evaluation.json go to <run>/evaluation/, or to a directory below it for
other data, splits or weights.

Exit code: 0, or 1 with an error message.
""",
    ),
    "predict": Command(
        "intro_dl.inference.predict:main",
        "predict images or rows of numbers with a trained run",
        """\
Predict with a trained run: images, or rows of numbers.

intro-dl predict outputs/lenet/<time> digit.png photo.jpg       files
intro-dl predict outputs/lenet/<time> scans/ top=5              all images in and below a directory
intro-dl predict outputs/lenet/<time> scans/ format=json        also format=csv; out=<file>
intro-dl predict outputs/perceptron/<time> students.csv         points: the rows of a CSV file
intro-dl predict outputs/perceptron/<time> 4,5 8,1              points: numbers

Images may have any size; grey, color and 16 bits are fine, and transparent parts become white. For a run
trained on drawings such as MNIST, invert=auto (or yes, no) turns dark on light into light on dark, and
digit_box=auto (or no) scales and centers a drawing like the training drawings. In a photograph of paper it
also removes shadows, and takes the largest of several drawings. The last column lists these changes.
show=<file>.png writes a picture of each image beside what the network read. weights=last uses the weights of
the last epoch.

Exit code: 0, or 1 if an input could not be read; the other inputs are still predicted.
""",
    ),
    "sample": Command(
        "intro_dl.inference.sample:main",
        "sample text from a trained language model, or draw images or points",
        """\
Sample text from a trained character or word model, and measure how much of it is copied. A generative model
draws images or points instead: samples.png or samples.csv in <run>/samples/<time>; it reads samples (64
images or 1,000 points), seed, weights and out.

intro-dl sample outputs/char_lstm/<time>                  500 characters, printed as they are sampled
intro-dl sample outputs/char_lstm/<time> prompt="The with" length=2000 temperature=0.5
intro-dl sample outputs/char_lstm/<time> samples=3 top_k=5 seed=1
intro-dl sample outputs/char_lstm/<time> top_p=0.9
intro-dl sample outputs/char_lstm/<time> samples=100 length=2000 prompt="X:1\\n" stop="\\n\\n"

prompt       the beginning of the text; \\n is a new line
length       500 characters, or words, for each text, after the prompt
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
""",
    ),
    "export": Command(
        "intro_dl.inference.export:main",
        "write a trained model for other programs",
        """\
Export a trained model for other programs, and check that it gives the same numbers.

intro-dl export outputs/lenet/<time>                     ONNX, to <run>/export/
intro-dl export outputs/lenet/<time> format=onnx,safetensors
intro-dl export outputs/char_lstm/<time> format=onnx out=<directory> weights=last

The default of out is <run>/export, or <run>/export/last for weights=last.

onnx         model.onnx, for onnxruntime and other programs
safetensors  model.safetensors, the weights alone, by name

Both need: pip install -e ".[export]"
model.json describes how to use the model: input shapes, normalization, class names, alphabet. Normalize
inputs as described there. A batch may have any size. A text model reads one character and its previous state.

Exit code: 0, or 1 with an error message.
""",
    ),
    "page": Command(
        "intro_dl.page.command:main",
        "write a page for the browser that shows trained networks at work",
        """\
Write one HTML file in which your trained networks work: open it in a browser, offline, also on a phone.

intro-dl page outputs/lenet/<time>                     <run>/page.html
intro-dl page outputs/lenet/<time> outputs/char_lstm/<time>      both in one page, outputs/page.html
intro-dl page                                          three small networks that ship with the package
intro-dl page outputs/lenet/<time> out=lenet.html weights=last

Draw a digit, and see what each layer makes of it. Train networks on points in the playground. Let a text
model write. Step through automatic differentiation, race six optimizers, and edit the kernel of a
convolution. The address of the page keeps what it shows, and each tab has the command that does the same.

The page shows runs on images, points and text. If you name no run on text, the small text model of the
package fills its tab, and so on. It has a copy of the weights, and of test examples: send it only to those
who may have them.

Exit code: 0, or 1 with an error message.
""",
    ),
    "compare": Command(
        "intro_dl.compare.command:main",
        "compare runs: a table and a plot",
        """\
Compare runs: a table of their different settings and their results, and a plot.

intro-dl compare                                         every run in outputs/
intro-dl compare outputs/lenet                           every run at or below a folder
intro-dl compare outputs/sweeps/<time> by=optim.lr       choose the horizontal axis of the plot
intro-dl compare outputs/sweeps/<time> by=optim.lr,data.batch_size     a heat map over two settings
intro-dl compare outputs/lenet outputs/mlp metric=accuracy/test out=outputs/compare

Runs that differ only in their seed become one row: mean, standard deviation and number of runs n. Rows are
sorted by `metric` (default: loss/val), best first. compare.csv, compare.md and compare.png are written to
`out` (default: the folder, or outputs/compare for several folders). Runs without a result are listed with
the reason.

Exit code: 0, or 1 with an error message, also if every run diverged.
""",
    ),
    "results": Command(
        "intro_dl.results.command:main",
        "write RESULTS.md, in a checkout of the project",
        """\
Collect the results of the lectures' experiments, with several seeds each, and write RESULTS.md.

intro-dl results                                       write RESULTS.md from results/*.json
intro-dl results outputs/sweeps/<time>                 first add the runs of a sweep to results/
intro-dl results runs/ machine="8 cores of a ..."      several sweeps, and the machine they ran on
intro-dl results runs/cifar test_images=1000           tested on fewer than all 10,000 images

Train the runs with `intro-dl train -m experiment=<name> seed=0,1,2,3,4`. They replace earlier runs
of the same experiment. The images may be in files: data=image_folder data.root=<folder> counts as the same
experiment.

Each experiment needs five seeds, an ablation three, a network of 56 layers one. To accept fewer, set seeds=2.

Exit code: 0, or 1 with an error message; then nothing is written.
""",
    ),
    "lectures": Command(
        "intro_dl.lectures.engine.command:main",
        "check each claim of the lectures' slides",
        """\
Check the five lectures slide by slide: what a slide says, the computed value, and whether they agree.

intro-dl lectures                  every lecture, one table each
intro-dl lectures lecture=004      one lecture: 000, 001, 002, 003 or 004
intro-dl lectures id=N18           one claim with its calculation; id=N18,N20 shows both
intro-dl lectures format=html      a page for the browser, outputs/lectures.html; also markdown, json
intro-dl lectures format=errata lecture=001      the slides' errata, with the text to paste and the proof
intro-dl lectures format=demo lecture=004        step by step in the hall, with live trainings; q quits
intro-dl lectures format=markdown out=docs/LECTURES.md

The demo waits for Enter before and after each computation; wait=false runs it to its end without waiting.

Exit code: 0 if no claim fails; 1 if a claim fails or an argument is wrong.
""",
    ),
    "figures": Command(
        "intro_dl.figures.command:main",
        "draw the pictures of the slides",
        """\
Draw the pictures of the five lectures, each from one short script that also checks what the picture shows.

intro-dl figures                       all of them, to outputs/figures/; those that move as PNG and GIF
intro-dl figures list                  id, slide and seconds of each; also list lecture=004
intro-dl figures id=G5                 one figure; id=G5,G8 draws both
intro-dl figures lecture=004 theme=dark
intro-dl figures id=G5 format=svg      png, svg, pdf, or gif for those that move
intro-dl figures width=1920            pixels of a PNG or GIF
intro-dl figures out=slides table=docs/FIGURES.md     another directory; a table of what was measured

The scripts are in intro_dl/figures/. Run one alone with python, or cell by cell in an editor.

Exit code: 0, or 1 if the property of a figure does not hold or an argument is wrong.
""",
    ),
    "quiz": Command(
        "intro_dl.lectures.engine.quiz_command:main",
        "answer questions about a lecture",
        """\
Answer multiple-choice questions about a lecture. Each wrong answer stands for a usual mistake.

intro-dl quiz lecture=002                   000, 001, 002, 003 or 004; without lecture=, all questions
intro-dl quiz lecture=002 seed=1            other numbers, and the answers in another order
intro-dl quiz lecture=002 format=markdown   print the questions with their answers; also json

Type the letter of an answer. q, Ctrl-D or Ctrl-C ends the quiz with the score so far. Code computes every
answer, right or wrong; nothing is trained.

Exit code: 0, 130 after Ctrl-C, or 1 with an error message.
""",
    ),
    "exercises": Command(
        "intro_dl.exercises.command:main",
        "write the lectures' functions yourself, and check them",
        """\
Write functions of the lectures yourself. The check shows the first wrong number, and explains known mistakes.

intro-dl exercises start           write the files, to my_exercises/; existing files stay as they are
intro-dl exercises next            the next task
intro-dl exercises check           check the next exercise; check sigmoid checks this one
intro-dl exercises check watch=true    check a file whenever it is saved
intro-dl exercises hint            one hint; the next call gives one more
intro-dl exercises skip            take the next one
intro-dl exercises solution sigmoid    after it is passed; force=true shows it before
intro-dl exercises status          what is passed
intro-dl exercises report submissions/ out=report.csv    for instructors: all folders of the students

folder=        another folder than my_exercises
lecture=       all, or a lecture, e.g. 004: for next, check, hint, skip and status

Student code runs in a process of its own, with limits on time and memory. That keeps a check honest, but
protects nothing: run `report` in a container.

Exit code: 0, or 1 if a checked exercise is not passed or an argument is wrong.
""",
    ),
    "grade": Command(
        "intro_dl.compare.grade:main",
        "rank the runs that students submit, on your own data",
        """\
Measure submitted runs on your own data, and rank them. Nothing of a submission is executed.

intro-dl grade submissions data=digits                         submissions/<student>/<run>, also several runs
intro-dl grade submissions data=image_folder data.root=hidden  images that the students do not have
intro-dl grade submissions data=digits contest=no_convolution  the best network without a convolution
intro-dl grade submissions data=digits out=leaderboard.csv

contest=accuracy            the highest accuracy
contest=fewest_parameters   an accuracy of 0.98 with the fewest parameters
contest=sixty_seconds       the highest accuracy after 60 s on a CPU
contest=fewest_bits         a text model with the fewest bits for each character
contest=hundred_examples    the lowest loss after training on 100 examples
contest=no_convolution      the highest accuracy without a convolution

Students train with `intro-dl train experiment=contest/<name>`. Runs within one standard error share a rank.
The seconds, and the number of training examples, are what a run states: only its weights are measured.
split=val grades the validation split.

Exit code: 0, or 1 with an error message.
""",
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    Args:
        arguments: the name of the command and its arguments; None means those of this program.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    name, *rest = arguments or ["--help"]
    repair_streams()
    if other := _another_checkout():
        tell(other)
    if command := COMMANDS.get(name):
        return run_script(command.help, command.main, rest)
    return run_script(_overview(), lambda words: _refuse(words[0]), [name, *rest])


def _overview() -> str:
    lines = [f"intro-dl {name:<9} {command.summary}" for name, command in COMMANDS.items()]
    return "\n".join(
        ["Five introductory deep-learning lectures as code. Commands, each with --help:", "", *lines]
    )


def _refuse(name: str) -> int:
    from intro_dl.config.names import closest

    if "=" in name or name.startswith("-"):
        raise ValueError(f"{name} is not a command. Name one first, e.g. intro-dl train model=lenet.")
    meant = closest(name, list(COMMANDS))
    guess = f" Did you mean {meant}?" if meant else ""
    raise ValueError(f"Unknown command {name}.{guess} Available: {', '.join(COMMANDS)}.")


def _another_checkout() -> str | None:
    """Return a note if this script, or the current directory, is in a checkout whose package is not used."""
    used = Path(__file__).resolve().parent.parent
    for place in (Path((sys.argv[:1] or [""])[0]).parent / "..", Path()):
        other = place / "intro_dl"
        if (other / "cli").is_dir() and not other.samefile(used) and "RANK" not in os.environ:
            from intro_dl.runs.files import typed  # here: it imports yaml

            root = str(other.resolve().parent)
            return (
                f"Note: this runs {used}, not the checkout {root}. For that one: pip install -e {typed(root)}"
            )
    return None

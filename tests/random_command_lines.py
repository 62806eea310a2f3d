"""Random command lines, made from the options and keys in configs/."""

import random
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent

# Trained in a moment; the model can read the data.
PAIRS = tuple(
    (f"data={data}", f"model={model}")
    for datas, models in (
        (("digits",), ("softmax", "mlp", "lenet", "cnn", "rosenblatt")),
        (("xor", "two_gaussians", "moons", "pass_class"), ("softmax", "mlp", "perceptron", "rosenblatt")),
        (("grades",), ("regressor",)),
    )
    for data in datas
    for model in models
)
# Left out of the random words: what starts processes or a C++ compiler, or trains for long as it should.
LONG = re.compile(
    r"trainer=ddp|trainer\.(devices|num_nodes|strategy|max_epochs=(?!2$)|compile)|model=torchvision|model\.name|sweep="
)
BRIEF = ("trainer=smoke", "callbacks=no_early_stopping")
HOSTILE = (
    *r"""
    ' " '' "" { } [ ] ( ) {a:1} [1,[2,{b:3}]] = == , ,, : \ \' %s $HOME `id` $(id) ;ls a|b <b> [red] [/]
    [/red] ${oc.env:HOME} ${oc.env:NO_SUCH_NAME} ${ ${} ${optim.lr} ${optim} ${nothing} ${seed} ${now:%H}
    ${oc.decode:1e-3} ${oc.create:{a:1}} ${hydra:run.dir} ${run_name:x} ${eval:1} ../../../outside ~ ~/x
    /proc/self/mem /dev/null . .. a/../../../b file:///etc é 日本語 🙂 null true nan inf -inf 1e400 -0 0x10
    1_000 0.1.2 ??? !!python/name:os.system range(1,3) choice(1,2) glob(*) sort(3,1) tag(a,1) shuffle(1,2)
    interval(0,1) int(1.5) os.system builtins.eval torch.hub.load {_target_:os.system,command:ls}
    """.split(),
    *("", "\n", "a\nb", "\t", "\u202e", "\ufeff", "\ud7ff", "x" * 5000, "9" * 400),
)
NUMBERS = "-1 0 1 2 0.5 -0.5 1.5 1e-3 1e3 1e30 1e-30 1000000 99999999999999999999".split()
FLAGS = """
    --cfg job,--cfg,--cfg all,--cfg nothing,-c job --resolve,--info,--info plugins,-i x,--model=lenet,-q,--,
    ---,--optim.lr 0.1,--package optim,-p,--config-name=train2,--config-dir=nowhere,--config-path=nowhere,-h,
    --hydra-help,--version,-r,--run,-m -m,-mc,--experimental-rerun=x,--shell-completion,--resolve,--multirun
""".split(",")
SWITCHES = """
    trainer.max_steps=1 trainer.max_steps=0 trainer.min_epochs=1 trainer.min_epochs=9
    trainer.max_time=00:00:00:20 trainer.max_time=5m trainer.fast_dev_run=true trainer.fast_dev_run=2
    trainer.fast_dev_run=-1 trainer.overfit_batches=1 trainer.overfit_batches=0.5
    trainer.check_val_every_n_epoch=2 trainer.check_val_every_n_epoch=0 trainer.enable_progress_bar=false
    trainer.limit_val_batches=0 +trainer.logger=false +trainer.val_check_interval=0.5
    +trainer.enable_checkpointing=false +trainer.profiler=simple +nonsense=1 ++x.y=1 +hydra.x=1 +data.foo=1
    +model.y=1 +optim.amsgrad=true +scheduler.threshold=9 callbacks=[doctor] optim=[adam,sgd]
    callbacks=[no_early_stopping,doctor] callbacks=[doctor,no_early_stopping] callbacks=[visualize,doctor]
    callbacks=[default,nothing]
""".split()
# Typed beside the resume= of a run of one epoch.
CHANGES = """
    trainer.max_epochs=2 scheduler=cosine scheduler=one_cycle scheduler=none scheduler=plateau
    regularization=l2 optim.lr=0.5 seed=3 trainer.precision=32-true trainer.gradient_clip_val=1
    trainer.accumulate_grad_batches=2 monitor=loss/train data.batch_size=7 trainer.max_steps=3
    trainer.fast_dev_run=true callbacks=doctor ~callbacks.progress +nonsense=1 test=false watch_test=true
""".split()
RESUME = "nowhere null damaged damaged/checkpoints/last.ckpt empty . / .. ' ~".split()


@dataclass(frozen=True)
class Tree:
    """What the configs offer: `options` by group, and `keys` with the value that each has somewhere."""

    options: dict[str, list[str]]
    keys: list[tuple[str, Any]]


def read_tree() -> Tree:
    """Read the groups, options and keys of configs/."""
    options: dict[str, list[str]] = {}
    keys: dict[str, Any] = dict(_leaves(yaml.safe_load((ROOT / "configs" / "train.yaml").read_text()), ""))
    for path in sorted((ROOT / "configs").glob("*/*.yaml")):
        group, text = path.parent.name, path.read_text()
        options.setdefault(group, []).append(path.stem)
        content = yaml.safe_load(text) or {}
        if "@package _global_" not in text:
            content = {group: content}
        keys |= dict(_leaves(content, ""))
    return Tree(options, [item for item in keys.items() if not item[0].startswith(("hydra", "defaults"))])


def _leaves(node: dict[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in node.items():
        yield f"{prefix}{key}", value
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")


def make_command(tree: Tree, seed: int, number: int) -> list[str]:
    """Return the arguments of a random command line; the same for the same seed and number."""
    dice = random.Random(f"{seed}-{number}")
    words = list(BRIEF)
    if dice.random() < 0.9:
        words += dice.choice(PAIRS)
    makers = [
        _option,
        _wrong_option,
        _right_value,
        _wrong_value,
        _wrong_key,
        _hostile,
        _word,
        _flags,
        _resume,
        _switch,
        _change,
    ]
    makers += [_option, _right_value, _right_value, _right_value, _wrong_value, _hostile, _sweep, _prefixed]
    makers = makers if dice.random() < 0.7 else [_right_value, _right_value, _harmless_option]
    if dice.random() < 0.1:
        return _change(tree, dice)
    for _ in range(dice.choice((1, 1, 2, 2, 3, 5))):
        made = dice.choice(makers)(tree, dice)
        if not any(LONG.search(word) for word in made):
            words += made
    if dice.random() < 0.2:
        dice.shuffle(words)
    return words


def _option(tree: Tree, dice: random.Random) -> list[str]:
    group = dice.choice(list(tree.options))
    return [f"{group}={dice.choice(tree.options[group])}"]


def _harmless_option(tree: Tree, dice: random.Random) -> list[str]:
    group = dice.choice(("optim", "scheduler", "callbacks"))
    return [f"{group}={dice.choice(tree.options[group])}"]


def _wrong_option(tree: Tree, dice: random.Random) -> list[str]:
    group, _, option = _option(tree, dice)[0].partition("=")
    return [f"{dice.choice((group, _misspell(group, dice)))}={_misspell(option, dice)}"]


def _right_value(tree: Tree, dice: random.Random) -> list[str]:
    key, value = dice.choice(tree.keys)
    if isinstance(value, bool):
        value = dice.choice((True, False))
    elif isinstance(value, int | float):
        value = dice.choice((value, value * 2, value / 2))
    return [f"{key}={_written(value)}"]


def _wrong_value(tree: Tree, dice: random.Random) -> list[str]:
    key, _ = dice.choice(tree.keys)
    _, other = dice.choice(tree.keys)
    return [
        f"{key}={dice.choice((*NUMBERS, *NUMBERS, 'true', 'null', '[]', '{}', '[1,2]', _written(other)))}"
    ]


def _wrong_key(tree: Tree, dice: random.Random) -> list[str]:
    key, value = dice.choice(tree.keys)
    return [f"{_misspell(key, dice)}={_written(value)}"]


def _hostile(tree: Tree, dice: random.Random) -> list[str]:
    key = dice.choice(
        [*(key for key, _ in tree.keys), *tree.options, "run_dir", "resume", "+new", "hydra.job.name"]
    )
    text = dice.choice(HOSTILE)
    return [f"{key}={dice.choice((text, text, text + dice.choice(HOSTILE), repr(text)))}"]


def _word(tree: Tree, dice: random.Random) -> list[str]:
    noise = "".join(dice.choices(string.printable, k=dice.randrange(1, 12)))
    return [dice.choice((dice.choice(HOSTILE), noise, dice.choice(tree.keys)[0], ""))]


def _flags(tree: Tree, dice: random.Random) -> list[str]:
    return dice.choice(FLAGS).split()


def _resume(tree: Tree, dice: random.Random) -> list[str]:
    return [f"resume={dice.choice(RESUME)}"]


def _switch(tree: Tree, dice: random.Random) -> list[str]:
    return [dice.choice(SWITCHES)]


def _change(tree: Tree, dice: random.Random) -> list[str]:
    return ["resume=finished", *dice.sample(CHANGES, dice.choice((1, 2, 3)))]


def _sweep(tree: Tree, dice: random.Random) -> list[str]:
    key, value = dice.choice(tree.keys)
    values = [_written(value), dice.choice(NUMBERS)]
    return [*dice.choice((["-m"], ["-m"], ["--multirun"], [])), f"{key}={','.join(values)}"]


def _prefixed(tree: Tree, dice: random.Random) -> list[str]:
    maker = dice.choice((_right_value, _wrong_value, _wrong_key, _option))
    word = maker(tree, dice)[0]
    if dice.random() < 0.3:
        return [f"~{word.partition('=')[0]}"]
    return [dice.choice(("+", "++", "~", "+++", "~~", "@", "-")) + word]


def _misspell(name: str, dice: random.Random) -> str:
    place = dice.randrange(len(name))
    change = dice.choice(("", name[place] * 2, dice.choice(string.ascii_lowercase), "_", ".", "/", "é"))
    return name[:place] + change + name[place + 1 :]


def _written(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list):
        return f"[{','.join(map(_written, value))}]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{_written(entry)}" for key, entry in value.items()) + "}"
    return str(value)

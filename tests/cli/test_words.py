"""What users of Lightning, Hydra, Keras, d2l and argparse type is answered by what to type here."""

import shlex

import pytest

ANSWERS = {
    # from Keras and d2l
    "epochs=5": "Did you mean trainer.max_epochs?",
    "num_epochs=5": "Did you mean trainer.max_epochs?",
    "batch_size=64": "Did you mean data.batch_size?",
    "learning_rate=0.1": "Did you mean optim.lr?",
    "optimizer=Adam": "Did you mean optim=adam?",
    "dataset=MNIST": "Did you mean data=mnist?",
    "loss=mse": "Instead, the model decides",
    "validation_split=0.1": "Instead, the splits are fixed",
    "verbose=2": "Instead, trainer.enable_progress_bar=false",
    "callbacks=EarlyStopping": "callbacks.early_stopping.patience=3",
    "patience=3": "Did you mean callbacks.early_stopping.patience?",
    "activation=relu": "Did you mean model.activation?",
    "num_hiddens=256": "Did you mean model.hidden?",
    "monitor=val_loss": "Did you mean loss/val?",
    "monitor=val_acc": "Did you mean accuracy/val?",
    "scheduler=ReduceLROnPlateau": "choose scheduler=plateau",
    "model=LeNet": "Did you mean lenet?",
    "model=lenet5": "Did you mean lenet?",
    # from Lightning
    "fast_dev_run=true": "Did you mean trainer.fast_dev_run?",
    "max_epochs=3": "Did you mean trainer.max_epochs?",
    "accelerator=gpu": "Did you mean trainer.accelerator?",
    "gpus=1": "Instead, choose trainer=gpu",
    "trainer.gpus=1": "Instead, choose trainer=gpu",
    "trainer.epochs=3": "Did you mean trainer.max_epochs?",
    "num_workers=4": "Instead, the data are in memory",
    "data.num_workers=4": "Instead, the data are in memory",
    "trainer=mps": "choose trainer.accelerator=mps",
    "resume_from_checkpoint=x": "resume=<run>",
    # from lightning-hydra-template
    "ckpt_path=x": "resume=<run>",
    "debug=default": "trainer.fast_dev_run=true",
    "logger=false": "choose logger=none",
    "tags=[mnist]": "run_dir=<folder> names the folder",
    "task_name=x": "run_dir=<folder> names the folder",
    "hparams_search=mnist_optuna": "choose sweep=optuna",
    "paths.output_dir=x": "Did you mean run_dir?",
    "paths.data_dir=x": "data.root=",
    "data_dir=x": "data.root=",
    "extras.print_config=false": "--cfg job",
    "train=false": "intro-dl evaluate <run>",
    "model.optimizer.lr=0.1": "Did you mean optim.lr?",
    "optim.name=Adam": "Did you mean optim=adam?",
    "callbacks=none": "callbacks.early_stopping=null",
    # from argparse
    "--epochs 5": "trainer.max_epochs=5",
    "-e 5": "trainer.max_epochs=5",
    "--batch-size 64": "data.batch_size=64",
    "--optimizer Adam": "optim=adam",
    "--gpu 0": "Instead, choose trainer=gpu",
    # as a shell or a keyboard has it
    "optim.lr=0,01": "write a decimal point: optim.lr=0.01.",
    "model=mlp model.hidden=[100, 50]": "write without spaces: model=mlp model.hidden=[100,50]",
    "model = lenet": "write without spaces: model=lenet",
    "model=lenet optim.lr= 0.01": "write without spaces: model=lenet optim.lr=0.01",
    "optim.lr=1e-3, 1e-2": "write without spaces: optim.lr=1e-3,1e-2",
    "seed=0 , 1, 2 optim=adam -m": "write without spaces: seed=0,1,2 optim=adam -m",
    "model=lenet ,mlp": "write without spaces: model=lenet,mlp",
    "model=lenet, optim=adam": "write model=lenet.",
    "lenet": "write model=lenet.",
    "Adam": "write optim=adam.",
    "model:lenet": "write model=lenet.",
    "model==lenet": "write model=lenet.",
    "model=lenet,": "write model=lenet.",
    # a key of another option of the group
    "model=softmax model.activation=relu": "Only these options of model= have it: lenet, mlp.",
    "model=lenet model.hidden=[500]": "Only these options of model= have it: cnn, mlp",
    "data.root=x": "Only these options of data= have it: cifar10,",
    "optim=adam optim.momentum=0.9": "Only these options of optim= have it: momentum, nesterov",
    "optim._target_=torch.optim.RAdam": "has other keys than this option of optim=: add '~optim.fused'.",
    "network=resnet18": "choose model=torchvision model.name=resnet18",
    "callbacks.doctor.examples=5": "Only these options of callbacks= have it: doctor.",
}


@pytest.mark.parametrize("command", ANSWERS)
def test_word_of_another_program_is_answered_by_what_to_type_here(command, train):
    answer = train(*shlex.split(command))
    assert answer.code == 1
    (line,) = answer.err.strip().splitlines()
    assert line.startswith("Error: ") and ANSWERS[command] in line


def test_config_is_printed_with_its_references_resolved(train):
    answer = train("--cfg", "job", "--resolve")
    assert answer.code == 0 and "seed: 0\n" in answer.out and "${" not in answer.out


def test_the_keys_of_an_own_option_are_those_of_its_yaml(train, tmp_path):
    (tmp_path / "conf" / "model").mkdir(parents=True)
    own = "_target_: intro_dl.models.mlp.MLP\nhidden: [3]\n"
    (tmp_path / "conf" / "model" / "mine.yaml").write_text(own, encoding="utf-8")
    answer = train("--config-dir", "conf", "model=mine", "model.hiden=[4]")
    assert answer.code == 1 and "Did you mean model.hidden? Available: model.hidden." in answer.err

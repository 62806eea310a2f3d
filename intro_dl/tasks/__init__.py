"""What a model is trained to do, one task per file."""

from intro_dl.tasks.adversarial import Adversarial
from intro_dl.tasks.autoencoder import Autoencoder
from intro_dl.tasks.base import Task
from intro_dl.tasks.classifier import Classifier
from intro_dl.tasks.forecaster import Forecaster
from intro_dl.tasks.language_model import LanguageModel
from intro_dl.tasks.node_classifier import NodeClassifier
from intro_dl.tasks.regressor import Regressor
from intro_dl.tasks.restorer import Restorer
from intro_dl.tasks.writer import Writer

__all__ = [
    "Adversarial",
    "Autoencoder",
    "Classifier",
    "Forecaster",
    "LanguageModel",
    "NodeClassifier",
    "Regressor",
    "Restorer",
    "Task",
    "Writer",
]

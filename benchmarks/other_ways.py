"""What users would otherwise write: each trains for some steps on `device` and returns the seconds."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
import torch
import torchmetrics
from PIL import Image
from pytorch_lightning.callbacks import ModelCheckpoint, RichProgressBar
from pytorch_lightning.loggers import TensorBoardLogger
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

Make = Callable[[], nn.Module]  # a fresh model


def now(device: str) -> float:
    """Seconds, once the device has finished what it was told."""
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def bare_loop(
    make: Make,
    images: Tensor,
    labels: Tensor,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    steps: int,
    batch_size: int,
    device: str,
    bfloat16: bool = False,
    **optimizer: bool,
) -> float:
    """Time a loop over tensors, written by hand: pixels in memory, batches by index, Adam, nothing logged."""
    model = make().to(device)
    layout = torch.channels_last if bfloat16 else torch.contiguous_format
    model.to(memory_format=layout)
    adam = torch.optim.Adam(model.parameters(), lr=1e-3, **optimizer)
    images, labels = images.to(device), labels.to(device)
    center, width = (torch.tensor(values, device=device).view(-1, 1, 1) for values in (mean, std))
    total = torch.zeros((), device=device)
    began = now(device)
    for chosen in torch.randperm(len(images)).to(device).split(batch_size)[:steps]:
        batch = (images[chosen].float() / 255 - center) / width
        with torch.autocast(device, torch.bfloat16, enabled=bfloat16):
            loss = F.cross_entropy(model(batch.contiguous(memory_format=layout)), labels[chosen])
        adam.zero_grad()
        loss.backward()
        adam.step()
        total += loss.detach()
    total.item()
    return now(device) - began


def loader_loop(
    make: Make, dataset: Dataset, steps: int, batch_size: int, device: str, workers: int = 0
) -> float:
    """Time a plain loop over a DataLoader, as in pytorch/examples."""
    model = make().to(device)
    adam = torch.optim.Adam(model.parameters(), lr=1e-3)
    loader = DataLoader(dataset, batch_size, shuffle=True, num_workers=workers)
    began = now(device)
    for step, (batch, labels) in enumerate(loader):
        if step == steps:
            break
        batch, labels = batch.to(device), labels.to(device)
        adam.zero_grad()
        loss = F.cross_entropy(model(batch), labels)
        loss.backward()
        adam.step()
        if step % 10 == 0:
            loss.item()  # which it prints
    return now(device) - began


class Pictures(Dataset):
    """Images as torchvision's data sets hold them: each becomes a PIL image, and then is transformed.

    Args:
        pixels: (N, H, W, C) of uint8.
    """

    def __init__(self, pixels: np.ndarray, labels: list[int], transform: Callable) -> None:
        self.pixels, self.labels, self.transform = pixels, labels, transform

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.pixels[index])), self.labels[index]


class Clock(pl.Callback):
    """Seconds of a run's one epoch, its checkpoints and logs included, but not its validation."""

    def __init__(self, device: str) -> None:
        self.device, self.seconds, self.steps = device, 0.0, 0

    def on_train_epoch_start(self, trainer, module):
        self.seconds = -now(self.device)

    def on_validation_start(self, trainer, module):
        self.seconds += now(self.device)

    def on_validation_end(self, trainer, module):
        self.seconds -= now(self.device)

    def on_train_end(self, trainer, module):
        self.seconds += now(self.device)
        self.steps = trainer.global_step


class Wrapped(pl.LightningModule):
    """A model in Lightning, as lightning-hydra-template has it: torchmetrics, `self.log` in every step."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net
        self.train_loss, self.val_loss = torchmetrics.MeanMetric(), torchmetrics.MeanMetric()
        self.train_accuracy = torchmetrics.Accuracy(task="multiclass", num_classes=10)

    def training_step(self, batch, batch_idx):
        images, labels = batch
        logits = self.net(images)
        loss = F.cross_entropy(logits, labels)
        self.train_loss(loss)
        self.train_accuracy(logits.argmax(dim=1), labels)
        self.log("train/loss", self.train_loss, on_step=False, on_epoch=True, prog_bar=True)
        self.log("train/acc", self.train_accuracy, on_step=False, on_epoch=True, prog_bar=True)
        return loss

    def validation_step(self, batch, batch_idx):
        images, labels = batch
        self.val_loss(F.cross_entropy(self.net(images), labels))
        self.log("val/loss", self.val_loss, on_step=False, on_epoch=True, prog_bar=True)

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=1e-3)


def lightning_loop(
    make: Make, dataset: Dataset, steps: int, batch_size: int, device: str, folder: Path
) -> float:
    """Lightning with a DataLoader, a checkpoint, TensorBoard and a progress bar."""
    clock = Clock(device)
    loader = DataLoader(dataset, batch_size, shuffle=True)
    trainer = pl.Trainer(
        max_epochs=1,
        limit_train_batches=steps,
        limit_val_batches=1,
        num_sanity_val_steps=0,
        accelerator="gpu" if device == "cuda" else "cpu",
        devices=1,
        callbacks=[clock, ModelCheckpoint(monitor="val/loss"), RichProgressBar()],
        logger=TensorBoardLogger(folder),
        enable_model_summary=False,
    )
    trainer.fit(Wrapped(make()), loader, DataLoader(dataset, batch_size))
    return clock.seconds


class OneHotLSTM(nn.Module):
    """The character model that the lecture's lab has: one-hot vectors, an LSTM, a linear map."""

    def __init__(self, vocab_size: int, hidden_size: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(vocab_size, hidden_size, batch_first=True)
        self.logits = nn.Linear(hidden_size, vocab_size)

    def forward(self, x: Tensor) -> Tensor:
        return self.logits(self.lstm(x)[0])


def one_hot_loop(
    text: str, alphabet: str, hidden_size: int, steps: int, batch_size: int, window: int, device: str
) -> float:
    """Windows drawn at random places with NumPy, and fed as one-hot vectors, as in MIT 6.S191's lab."""
    place = {character: number for number, character in enumerate(alphabet)}
    tokens = np.array([place[character] for character in text])
    one_hot = np.eye(len(alphabet), dtype=np.float32)
    model = OneHotLSTM(len(alphabet), hidden_size).to(device)
    adam = torch.optim.Adam(model.parameters(), lr=1e-3)
    began = now(device)
    for _ in range(steps):
        starts = np.random.choice(len(tokens) - window - 1, batch_size)
        inputs = np.stack([one_hot[tokens[start : start + window]] for start in starts])  # (B, T, V)
        targets = np.stack([tokens[start + 1 : start + window + 1] for start in starts])  # (B, T)
        logits = model(torch.from_numpy(inputs).to(device))
        loss = F.cross_entropy(logits.flatten(0, 1), torch.from_numpy(targets).to(device).flatten())
        adam.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()
        loss.item()  # which it draws
    return now(device) - began

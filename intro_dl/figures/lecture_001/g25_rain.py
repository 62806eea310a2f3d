"""G25: A rainy picture, two older methods, and a network.

Lecture 001; slide "In general, a neural network performs better than more specially designed approaches".
Claims A19.
"""

# %% The slide: left a rainy image, right deep learning, in the middle two other algorithms. Here the rain is
# drawn on photographs (data=photographs). model=restorer learns on two of them, for a quarter of its usual
# epochs, and cleans a third, which comes with scikit-learn. Both filters are fitted to this third picture.
import matplotlib.pyplot as plt
import torch
from scipy.ndimage import median_filter

from intro_dl.figures.engine import canvas, shows
from intro_dl.tasks.restorer import WINDOWS, fitted_filter, psnr
from intro_dl.training.product import train

network, data = train("model=restorer", "trainer.max_epochs=4")
rainy, clean = (picture[:, :, 100:260, 200:440] for picture in data.splits["test"])
windows = (torch.from_numpy(median_filter(rainy.numpy(), (1, 1, *window))) for window in WINDOWS)
with torch.no_grad():
    pictures = {
        "rain": rainy,
        "linear filter": fitted_filter(rainy, clean),
        "median filter": max(windows, key=lambda picture: psnr(picture, clean).item()),
        "network": network(rainy),
    }
quality = {name: psnr(picture, clean).item() for name, picture in pictures.items()}

# %% Draw them side by side
figure, axes = canvas(2, 2, height=7.0)
for axis, (name, picture) in zip(axes.flat, pictures.items(), strict=True):
    axis.imshow(picture[0].clamp(0, 1).permute(1, 2, 0))
    axis.set_title(f"{name}: {quality[name]:.1f} dB")
    axis.set_axis_off()
figure.suptitle("The network removes most of the drawn rain, the filters remove detail")

# %% The property: the signal-to-noise ratio (PSNR) rises from the rain to the filters and to the network
others = max(quality["linear filter"], quality["median filter"])
shows(
    "PSNR: rain < linear filter, and the network is at least 2 dB above both filters",
    ", ".join(f"{name} {value:.1f} dB" for name, value in quality.items()),
    quality["rain"] < quality["linear filter"] and quality["network"] > others + 2,
)
plt.show()

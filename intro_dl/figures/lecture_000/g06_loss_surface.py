"""G6: Skip connections smooth the loss surface of ResNet-56.

Lectures 000, 003; slides "Training Neural Networks is Difficult". Claims P5.
"""

# %% The slide shows the loss surfaces of ResNet-56 without and with skips (Li et al. 2017, on CIFAR-10).
# g06_measure.py trained both on digits of 8x8 pixels, and measured them in filter-normalized directions.
# One run each: the network without skips hardly trains, so the two surfaces have centers of different loss.
import matplotlib.pyplot as plt
import torch

from intro_dl.figures.engine import canvas, measured, shows

found = measured("g06", "python intro_dl/figures/lecture_000/g06_measure.py")
side = torch.tensor(found["side"])
TITLES = {"plain": "Without skips", "skip": "With skips"}

# %% Draw both surfaces on one logarithmic scale
figure, axes = canvas(1, 2, height=5.2, subplot_kw={"projection": "3d"})
x, y = torch.meshgrid(side, side, indexing="xy")
for axis, (name, title) in zip(axes, TITLES.items(), strict=True):
    center = found[name]["loss"]
    height = (1 + torch.tensor(found[name]["plane"])).log10()
    axis.plot_surface(x.numpy(), y.numpy(), height.numpy(), cmap="viridis", linewidth=0.2)
    axis.set(
        xlabel="direction 1",
        ylabel="direction 2",
        zlabel="log10(1 + loss)",
        title=f"{title}: trained to {center:.2g}",
        zlim=(0, 8),
    )
    axis.set_xticks([-1, 1])
    axis.set_yticks([-1, 1])
    axis.view_init(25, -60)
    axis.set_box_aspect((4, 4, 3), zoom=0.88)
figure.suptitle("ResNet-56 on 8x8 digits: far out, the loss rises less with skips")

# %% The properties, chosen after the measurement: the surface with skips is convex, and rises less far out.
# Near the center it does not rise less: its loss is nearly 0 there, and that without skips is already high.
bends = {}
for name in TITLES:
    rows = torch.tensor(found[name]["plane"])
    curvature = rows[:, 2:] - 2 * rows[:, 1:-1] + rows[:, :-2]
    bends[name] = (curvature < 0).float().mean().item()
trained = f"trained to a loss of {found['skip']['loss']:.2g} and {found['plain']['loss']:.2g}"
shows(
    "fraction of the plane where the loss curves downward along direction 1, with and without skips",
    f"{bends['skip']:.3f} and {bends['plain']:.3f}; {trained}",
    bends["skip"] == 0 and bends["plain"] > 0.02,
)
medians = {
    far: [torch.tensor(found[name]["along"][found["radii"].index(far)]).median().item() for name in TITLES]
    for far in (0.5, 1.0)
}
shows(
    "median loss of ten directions, one norm of each filter away, with and without skips",
    f"{medians[1.0][1]:,.0f} and {medians[1.0][0]:,.0f}; half a norm away "
    f"{medians[0.5][1]:.1f} and {medians[0.5][0]:.1f}",
    medians[1.0][1] < medians[1.0][0] / 2,
)
plt.show()

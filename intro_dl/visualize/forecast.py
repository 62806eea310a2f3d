"""What a model forecasts, beside what happened."""

from dataclasses import dataclass

from matplotlib.figure import Figure
from torch import Tensor

from intro_dl.data.series import SIDE, Ball, MeasuredSeries, Stocks
from intro_dl.visualize.callback import Visualizer, outputs_of
from intro_dl.visualize.style import COLORS, new_figure

FILMS = 6
STYLES = {"true": (COLORS[6], "-"), "forecast": (COLORS[5], "-"), "nothing changes": (COLORS[4], ":")}


@dataclass(kw_only=True, eq=False)
class Forecast(Visualizer):
    """Show forecasts of the validation split: a curve and its changes, or balls and their next steps."""

    split: str = "val"

    def draw(self, model, data, writer):
        if not isinstance(data, Ball | MeasuredSeries):
            return
        predicted = outputs_of(model, data, data.splits[self.split][0])
        if isinstance(data, Ball):
            figure = draw_balls(data, self.split, predicted)
        else:
            figure = draw_series(data, self.split, predicted)
        figure.suptitle(f"forecasts {writer.moment}", x=0.01, ha="left", fontsize="medium")
        writer.figure("forecast/series", figure)


def draw_series(data: MeasuredSeries, split: str, predicted: Tensor) -> Figure:
    """Draw the first number of a series above, its changes below, and the forecast of each (N, O)."""
    truth, last = data.splits[split][1][:, 0], data.last[split][:, 0]
    std, forecast = data.std[0], predicted[:, 0]
    lines = {"true": truth, "forecast": forecast, "nothing changes": 0 * truth}
    figure = new_figure(8.0, 5.0)
    above, below = figure.subplots(2, sharex=True)
    for name, change in lines.items():
        color, line = STYLES[name]
        value = last + std * change
        above.plot(value.exp() if isinstance(data, Stocks) else value, line, color=color, lw=1.2, label=name)
        below.plot(change, line, color=color, lw=1.2)
    above.set_ylabel(f"price of {data.share}" if isinstance(data, Stocks) else data.FEATURES[0])
    below.set(ylabel=f"change in {data.target['unit']}", xlabel=f"step of the {split} split")
    above.legend(fontsize="small", frameon=False)
    return figure


def draw_balls(data: Ball, split: str, predicted: Tensor) -> Figure:
    """Draw films, all pictures of one on top of each other, with the true and the predicted step (N, 2)."""
    figure = new_figure(1.6 * FILMS, 2.4)
    for film, axes in enumerate(figure.subplots(1, FILMS)):
        trail = data.splits[split][0][film].amax(dim=0).view(SIDE, SIDE)
        axes.imshow(trail, cmap="gray_r", extent=(0, SIDE, SIDE, 0))
        x, y = data.last[split][film].tolist()
        for name, step in (("true", data.splits[split][1][film]), ("forecast", predicted[film])):
            right, down = step.tolist()
            marker = {"true": "o", "forecast": "x"}[name]
            axes.plot([x, x + right], [y, y + down], color=STYLES[name][0], lw=1)
            axes.plot(x + right, y + down, marker, color=STYLES[name][0], ms=7, mfc="none", label=name)
        axes.set(xticks=[], yticks=[])
    figure.legend(
        *axes.get_legend_handles_labels(), loc="lower left", ncols=2, fontsize="small", frameon=False
    )
    return figure

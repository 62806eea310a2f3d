"use strict";
// Grids of small images: one a feature map, a filter or a hidden unit. One image of a grid can be chosen.
//
//   const grid = makeTileGrid({label, onChoose(index)})
//   grid.set({images: Tensor (N, H, W), size, names: (index) => text, map, low, high, chosen})

/** Return a canvas of one small image; `size` is its longer side in CSS pixels at the usual size of letters. */
function makeTile() {
  const tile = element("canvas", { width: 1, height: 1, class: "tile" });
  tile.paint = (numbers, [height, width], color, size) => {
    if (tile.width !== width || tile.height !== height) Object.assign(tile, { width, height });
    const unit = size / Math.max(width, height) / 16;
    Object.assign(tile.style, { width: `${width * unit}rem`, height: `${height * unit}rem` });
    const pixels = new ImageData(width, height);
    for (let pixel = 0; pixel < width * height; pixel++) {
      const [red, green, blue] = color(numbers[pixel]);
      pixels.data.set([red, green, blue, 255], 4 * pixel);
    }
    tile.getContext("2d").putImageData(pixels, 0, 0);
  };
  return tile;
}

/** Return a single image with a caption: figure.set(Tensor (H, W), {size, map, low, high, caption}). */
function makeTileFigure(label) {
  const tile = makeTile();
  tile.setAttribute("role", "img");
  tile.setAttribute("aria-label", label);
  const caption = element("figcaption");
  const figure = element("figure", {}, tile, caption);
  figure.set = (image, { size, map = "signed", low = null, high = null, caption: text = label }) => {
    figure.redraw = () => {
      const range = rangeOf(image.data);
      tile.paint(image.data, image.shape.slice(-2), colorMap(map, low ?? range[0], high ?? range[1]), size);
    };
    figure.redraw();
    caption.textContent = text;
  };
  /** Show the pixels (C*H*W) of an image as they are. */
  figure.setPixels = (pixels, shape, text) => {
    const picture = canvasOfPixels(pixels, shape);
    Object.assign(tile, { width: shape[2], height: shape[1] });
    Object.assign(tile.style, { width: "8.75rem", height: `${(8.75 * shape[1]) / shape[2]}rem` });
    tile.getContext("2d").drawImage(picture, 0, 0);
    caption.textContent = text;
  };
  onTheme(() => figure.redraw?.());
  return figure;
}

/** Return a grid of images; with `onChoose`, each is a button, and arrow keys move between them. */
function makeTileGrid({ label, onChoose = null }) {
  const grid = element("div", { class: "tiles", role: "group", "aria-label": label });
  const choose = (index, focus) => {
    const target = grid.children[index];
    if (!target) return;
    if (focus) target.focus();
    onChoose(index);
  };
  if (onChoose) {
    grid.addEventListener("keydown", (event) => {
      const at = [...grid.children].indexOf(event.target);
      const first = grid.firstChild.offsetTop;
      const columns = Math.max(1, [...grid.children].filter((child) => child.offsetTop === first).length);
      const next = { ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: at + columns, ArrowUp: at - columns }[event.key];
      if (next === undefined || at < 0) return;
      event.preventDefault();
      choose(next, true);
    });
  }
  const addTile = () => {
    const index = grid.children.length;
    const holder = onChoose ? element("button", { type: "button", onclick: () => choose(index, false) }) : element("span");
    holder.append(makeTile());
    grid.append(holder);
  };
  grid.set = ({ images, size, names, map = "signed", low = null, high = null, chosen = -1 }) => {
    const [count, height, width] = images.shape;
    while (grid.children.length > count) grid.lastChild.remove();
    while (grid.children.length < count) addTile();
    grid.redraw = () => {
      const range = rangeOf(images.data);
      const color = colorMap(map, low ?? range[0], high ?? range[1]);
      const area = height * width;
      [...grid.children].forEach((holder, n) => holder.firstChild.paint(images.data.subarray(n * area, (n + 1) * area), [height, width], color, size));
    };
    grid.redraw();
    [...grid.children].forEach((holder, n) => {
      if (!onChoose) return;
      holder.setAttribute("aria-label", names(n));
      holder.setAttribute("aria-pressed", String(n === chosen));
      holder.title = names(n);
      holder.tabIndex = n === Math.max(0, chosen) ? 0 : -1;
    });
  };
  onTheme(() => grid.redraw?.());
  return grid;
}

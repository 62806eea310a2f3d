/*
 * The picture of one ball and three rates: the loss, the steps as chords, and each ball where it is now.
 */
"use strict";

/** Draw f over w, with a star at the global minimum and a ring at a local one. */
function drawBallLoss(context, trial, scale) {
  const { loss, curvature } = trial;
  const [from, to] = scale.window.x;
  context.strokeStyle = theme().text;
  context.lineWidth = 2;
  context.beginPath();
  for (let k = 0; k <= 200; k++) {
    const w = from + ((to - from) * k) / 200;
    context.lineTo(scale.x(w), Math.max(-1e4, scale.y(loss.f(w, curvature))));
  }
  context.stroke();
  for (const w of loss.minima) {
    drawMarker(context, "star", scale.x(w), scale.y(loss.f(w, curvature)) + 16, 7, theme().text, theme().back);
  }
  for (const w of loss.local) {
    context.beginPath();
    context.arc(scale.x(w), scale.y(loss.f(w, curvature)) + 16, 6, 0, 2 * Math.PI);
    context.stroke();
  }
}

/** Draw the chords (w_k, f(w_k)) -> (w_k+1, f(w_k+1)) of one ball, then the ball; an arrow if it has left. */
function drawBall(context, ball, look, scale, width, height) {
  const color = look[theme().name];
  const inside = (w) => w >= scale.window.x[0] && w <= scale.window.x[1] && scale.y(ball.height(w)) >= 0;
  const points = ball.path.map((w) => [scale.x(w), scale.y(ball.height(w))]);
  const gone = ball.path.findIndex((w) => !inside(w)); // the first step outside; -1 if none
  context.strokeStyle = color;
  context.lineWidth = 1.5;
  context.globalAlpha = 0.75;
  context.beginPath();
  const shown = gone < 0 ? points : points.slice(0, gone + 1);
  for (const [x, y] of shown) context.lineTo(Math.max(-1e5, Math.min(1e5, x)), Math.max(-1e5, y));
  context.stroke();
  context.globalAlpha = 1;
  const seen = gone < 0 ? points : points.slice(0, gone);
  for (const [x, y] of seen.slice(0, -1)) drawMarker(context, look.marker, x, y, 2.5, color, color);
  if (gone < 0 || inside(ball.w)) {
    drawMarker(context, look.marker, ...points[points.length - 1], 8, color, theme().back);
    return;
  }
  const side = Math.sign(ball.w) || 1;
  const [x, y] = [side > 0 ? width - 44 : 70, 24 + 26 * BALL_LOOKS.indexOf(look)];
  drawMarker(context, look.marker, x, y, 7, color, theme().back);
  drawArrow(context, x + side * 10, y, side * 28, 0, color);
}

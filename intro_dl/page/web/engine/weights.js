/* Read the weights of a run, which the command has written into the page as text.
 *
 * A tensor is stored as {shape, bits, scale, data}. With 32 bits, its numbers are Float32 as they are; with 16 or
 * 20 bits, they are signed integers, and a weight is integer * scale: so it takes 2 or 2.5 bytes instead of 4.
 * All bytes are little-endian. Two integers of 20 bits are five bytes: the first one is in the lower 20 bits.
 * In the text, two of 91 characters are 13 bits, the lower ones first: 8 % shorter than base64.
 * intro_dl/page/weights.py writes them.
 */
"use strict";

/** Return the tensor of one stored entry. */
function decodeWeights({ shape, bits, scale, data }, Type = Float32Array) {
  const numberAt = { 16: integer16At, 20: integer20At, 32: float32At }[bits];
  if (!numberAt) throw new Error(`Weights of ${bits} bits are unknown: write the page with the same version.`);
  const view = new DataView(decodeText(data).buffer);
  const factor = bits === 32 ? 1 : scale;
  const tensor = Tensor.zeros(shape, Type);
  for (let n = 0; n < tensor.size; n++) tensor.data[n] = numberAt(view, n) * factor;
  return tensor;
}

/** The characters of weights: those of ASCII that need no escape in JSON or HTML. */
const WEIGHT_CHARACTERS =
  "!#$%&'()*+,-./0123456789:;=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~";

/** Return the bytes of a text in which two characters are 13 bits. */
function decodeText(text) {
  const places = new Uint8Array(128);
  for (let n = 0; n < 91; n++) places[WEIGHT_CHARACTERS.charCodeAt(n)] = n;
  const bytes = new Uint8Array(Math.floor((text.length / 2) * 13 / 8));
  let [kept, count, written] = [0, 0, 0]; // bits that wait for a whole byte, and how many they are
  for (let n = 0; n < text.length; n += 2) {
    kept |= (places[text.charCodeAt(n)] + 91 * places[text.charCodeAt(n + 1)]) << count;
    for (count += 13; count >= 8; count -= 8) {
      bytes[written++] = kept & 0xff;
      kept >>= 8;
    }
  }
  return bytes;
}

/** Return the bytes of a base64 text, e.g. of the pixels of an example. */
function decodeBase64(text) {
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let n = 0; n < bytes.length; n++) bytes[n] = characters.charCodeAt(n);
  return bytes;
}

/** Return the n-th number of 4 bytes. */
function float32At(view, n) {
  return view.getFloat32(4 * n, true); // true: little-endian
}

/** Return the n-th signed integer of 2 bytes. */
function integer16At(view, n) {
  return view.getInt16(2 * n, true);
}

/** Return the n-th signed integer of 2.5 bytes. */
function integer20At(view, n) {
  const isFirst = n % 2 === 0;
  const start = Math.floor(n / 2) * 5 + (isFirst ? 0 : 2); // the second one begins in the middle of byte 2
  const three = view.getUint8(start) | (view.getUint8(start + 1) << 8) | (view.getUint8(start + 2) << 16);
  return isFirst ? (three << 12) >> 12 : (three << 8) >> 12; // keep 20 of the 24 bits, the highest one is the sign
}

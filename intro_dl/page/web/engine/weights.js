/* Read the weights of a run, which the command has written into the page as text (base64).
 *
 * A tensor is stored as {shape, bits, scale, data}: with 32 bits, Float32 numbers; with 16 or 20 bits, signed
 * integers, and each number is integer * scale. So a weight takes 2 or 2.5 bytes instead of 4.
 * All bytes are little-endian. Two integers of 20 bits are five bytes: the first has the lower 20 bits.
 */
"use strict";

/** Return the tensor of one stored entry. */
function decodeWeights({ shape, bits, scale, data }, Type = Float32Array) {
  const read = { 16: readIntegers16, 20: readIntegers20, 32: readFloats32 }[bits];
  if (!read) throw new Error(`Weights of ${bits} bits are unknown: write the page again with this version.`);
  const numbers = read(decodeBase64(data), countNumbers(shape));
  const factor = bits === 32 ? 1 : scale;
  const tensor = Tensor.zeros(shape, Type);
  for (let n = 0; n < tensor.size; n++) tensor.data[n] = numbers[n] * factor;
  return tensor;
}

/** Return the bytes of a base64 text. */
function decodeBase64(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** Read `count` numbers of 4 bytes. */
function readFloats32(bytes, count) {
  const view = new DataView(bytes.buffer);
  return Float32Array.from({ length: count }, (_, n) => view.getFloat32(4 * n, true));
}

/** Read `count` signed integers of 2 bytes. */
function readIntegers16(bytes, count) {
  const view = new DataView(bytes.buffer);
  return Int32Array.from({ length: count }, (_, n) => view.getInt16(2 * n, true));
}

/** Read `count` signed integers of 2.5 bytes. */
function readIntegers20(bytes, count) {
  const integers = new Int32Array(count);
  for (let n = 0; n < count; n++) {
    const first = Math.floor(n / 2) * 5;
    const unsigned =
      n % 2 === 0
        ? bytes[first] | (bytes[first + 1] << 8) | ((bytes[first + 2] & 0x0f) << 16)
        : (bytes[first + 2] >> 4) | (bytes[first + 3] << 4) | (bytes[first + 4] << 12);
    integers[n] = (unsigned << 12) >> 12; // bit 19 is the sign: move it to bit 31 and back
  }
  return integers;
}

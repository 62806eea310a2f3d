/* Random numbers that are the same on every machine, so that a link shows everyone the same training.
 *
 * Source: xoshiro128** of Blackman and Vigna (2018). Normal numbers: ratio of uniforms (Kinderman and Monahan
 * 1977), because it uses the logarithm, whose last digit differs between browsers, only in a comparison.
 */
"use strict";

class RandomNumbers {
  /** Start the sequence that belongs to `seed`, an integer. */
  constructor(seed) {
    let mixed = seed >>> 0;
    this.state = Uint32Array.from({ length: 4 }, () => { // splitmix32: four different words from one
      mixed = (mixed + 0x9e3779b9) >>> 0;
      let word = mixed;
      word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
      word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
      return word ^ (word >>> 16);
    });
  }

  /** Return the next 32 random bits. */
  bits() {
    const state = this.state;
    const rotate = (word, places) => (word << places) | (word >>> (32 - places));
    const result = Math.imul(rotate(Math.imul(state[1], 5), 7), 9) >>> 0;
    const shifted = state[1] << 9;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotate(state[3], 11);
    return result;
  }

  /** Return a number in [0, 1), a multiple of 2^-53. */
  uniform() {
    const [high, low] = [this.bits() >>> 5, this.bits() >>> 6]; // 27 and 26 bits
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  /** Return a number from the standard normal distribution. */
  normal() {
    for (;;) {
      const u = 1 - this.uniform(); // in (0, 1], so that the division is possible
      const x = (0.8577638849607068 * (2 * this.uniform() - 1)) / u; // the constant is sqrt(2 / e)
      if (x * x <= -4 * Math.log(u)) return x;
    }
  }

  /** Return one of 0, 1, ..., n - 1. */
  integer(n) {
    return Math.floor(this.uniform() * n);
  }

  /** Put the elements of an array into a random order, and return it. */
  shuffle(array) {
    for (let last = array.length - 1; last > 0; last--) {
      const other = this.integer(last + 1);
      [array[last], array[other]] = [array[other], array[last]];
    }
    return array;
  }
}

"use strict";
/* The command line that samples with the settings of the tab. */

/** Write an option for the shell: with the escapes of `intro-dl sample` (\n, \t, \\), in quotes that keep them. */
function quotedOption(name, text) {
  const escaped = escapePrompt(text);
  if (!/["$`!]|\\\\/.test(escaped)) return `${name}="${escaped}"`;
  return `${name}=${inQuotes(escaped)}`;
}

/** Return the command that samples from a run; a model that ships with the package has to be trained first. */
function sampleCommand(entry, { prompt, temperature, topK, seed, length }) {
  const options = [quotedOption("prompt", prompt), `temperature=${temperature}`, topK ? `top_k=${topK}` : "", `length=${length}`, seed ? `seed=${seed}` : ""];
  if (entry.shipped) return ["intro-dl sample latest", ...options].filter(Boolean).join(" ");
  return ["intro-dl sample", quotedWord(entry.run), ...options].filter(Boolean).join(" ");
}

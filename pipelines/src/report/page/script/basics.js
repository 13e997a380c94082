"use strict";
// Numbers as the page writes them, and elements.

const run = JSON.parse(document.getElementById("run").textContent);
const PREFIXES = ["n", "µ", "m", "", "k", "M", "G", "T"];

/** Returns a number with three digits, a metric prefix and its unit: `1.82 ms`, `65.1 k`. */
function si(value, unit = "") {
  if (value === 0) return `0 ${unit}`.trim();
  const rounded = Number(value.toPrecision(3));
  const thousands = Math.floor(Math.log10(Math.abs(rounded)) / 3 + 1e-9);
  const index = Math.min(Math.max(thousands + 3, 0), PREFIXES.length - 1);
  const scaled = rounded / 10 ** (3 * (index - 3));
  return `${scaled.toPrecision(3)} ${PREFIXES[index]}${unit}`.trim();
}

/** Returns a share in per cent, with the digits that a number of images can distinguish. */
function percent(share, images) {
  return `${(share * 100).toFixed(images >= 5000 ? 2 : 1)} %`;
}

/** Makes an element, of SVG if its name begins with `svg:`. */
function element(name, attributes = {}, ...children) {
  const made = name.startsWith("svg:")
    ? document.createElementNS("http://www.w3.org/2000/svg", name.slice(4))
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// Figures as people read them, and elements that hold them. Whatever comes from the program becomes text, never markup.

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3 });

export const count = (number) => whole.format(number);

export const rate = (number) => `${number >= 100 ? whole.format(number) : short.format(number)}/s`;

export const percent = (ratio) => (ratio === null ? '–' : `${(ratio * 100).toFixed(1)} %`);

/** Of microseconds. */
export function duration(micros) {
  if (micros === null) return '–';
  if (micros < 1000) return `${short.format(micros)} µs`;
  if (micros < 1e6) return `${short.format(micros / 1e3)} ms`;
  return `${short.format(micros / 1e6)} s`;
}

/** `shop::users::find_user`, without the crate. */
export const bare = (name) => name.split('::').slice(1).join('::') || name;

/** What names a function: several may have one name, on different lines. */
export const identity = (fn) => `${fn.name}:${fn.line}`;

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** Sets the text where it is another: what is selected stays so. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export const RESULTS = ['hit_local', 'hit', 'stale', 'miss', 'bypass', 'error'];

export const RESULT_NAMES = {
  hit_local: 'hit, local',
  hit: 'hit',
  stale: 'hit, stale',
  miss: 'miss',
  bypass: 'bypass',
  error: 'store error',
};

// What the counters were, second by second, since the page was opened; and what that makes per second.

import { identity, RESULTS } from './words.js';

/** Seconds. */
const SPAN = 300;

/** Rates are taken over so many samples, since a second alone is a rough one. */
const WINDOW = 5;

export class History {
  times = [];
  #totals = [];
  #functions = [];

  /** Takes the figures of now. Where counters have fallen, another process answers: all begins anew. */
  push(figures) {
    const last = this.#totals.at(-1);
    if (last && figures.total.calls < last.calls) {
      this.times = [];
      this.#totals = [];
      this.#functions = [];
    }
    this.times.push(Date.now() / 1000);
    this.#totals.push(figures.total);
    this.#functions.push(new Map(figures.functions.map((fn) => [identity(fn), fn])));
    while (this.times.length > 2 && this.times.at(-1) - this.times[0] > SPAN) {
      this.times.shift();
      this.#totals.shift();
      this.#functions.shift();
    }
  }

  /** For each sample what `derive` makes of it, of the one some seconds before, and of the time between. */
  #over(samples, derive, window) {
    return samples.map((now, at) => {
      const from = Math.max(0, at - window);
      const before = samples[from];
      if (!now || !before || from === at) return null;
      return derive(now, before, this.times[at] - this.times[from]);
    });
  }

  total(derive, window = WINDOW) {
    return this.#over(this.#totals, derive, window);
  }

  function(id, derive, window = WINDOW) {
    return this.#over(this.#functions.map((functions) => functions.get(id)), derive, window);
  }

  /** The last of these; `null` before there are two samples. */
  latest(derive, window = WINDOW) {
    return this.total(derive, window).at(-1) ?? null;
  }
}

export const perSecond = (figure) => (now, before, seconds) => (figure(now) - figure(before)) / seconds;

export const calls = perSecond((fn) => fn.calls);
export const loads = perSecond((fn) => fn.loads);
export const saved = perSecond((fn) => fn.saved);

export const result = Object.fromEntries(RESULTS.map((name) => [name, perSecond((fn) => fn.requests[name])]));

/** Of the calls that could have been hits; `null` where there was none. */
export function hitRatio(now, before) {
  const asked = now.calls - before.calls - (now.requests.bypass - before.requests.bypass);
  return asked > 0 ? (now.hits - before.hits) / asked : null;
}

/** Of the loads that ended meanwhile, in microseconds; `null` where none did. */
export function loadLatency(now, before) {
  const ended = now.load.count - before.load.count;
  return ended > 0 ? (now.load.sum - before.load.sum) / ended : null;
}

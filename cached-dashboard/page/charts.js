// The charts, and what each of them shows.

import * as history from './history.js';
import { bare, duration, element, identity, percent, rate, RESULT_NAMES, RESULTS, say } from './words.js';

/* global uPlot */

const HEIGHT = 190;
/** More lines than that nobody tells apart. */
const LINES = 6;

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString('en-GB');

const fromZero = (_, most) => [0, most > 0 ? most * 1.1 : 1];
/** Ratios are near their top, where they are good: down to the tenth below the worst. */
const toOne = (least) => [Math.min(0.9, Math.floor((least ?? 1) * 10) / 10), 1];

/** A line: what it is called, the name of its colour, and its values. */
const line = (name, paint, values) => ({ name, paint, values });

class Chart {
  #box = element('div', { class: 'plot' });
  #legend = element('ul', { class: 'legend' });
  #plot = null;
  #lines = [];
  #known = '';

  constructor(parent, { title, format, stacked = false, range = fromZero }) {
    Object.assign(this, { format, stacked, range });
    parent.append(element('figure', {}, element('figcaption', {}, title), this.#box, this.#legend));
    new ResizeObserver(() => this.#fit()).observe(this.#box);
  }

  #fit() {
    const width = this.#box.clientWidth;
    if (this.#plot && width > 0 && width !== this.#plot.width) this.#plot.setSize({ width, height: HEIGHT });
  }

  /** Of another colour scheme: drawn anew with the next figures. */
  forget() {
    this.#known = '';
  }

  show(times, lines) {
    this.#lines = lines;
    const known = lines.map(({ name, paint }) => `${name} ${paint}`).join();
    if (known !== this.#known) {
      this.#known = known;
      this.#make();
    }
    this.#plot.setData([times, ...this.#drawn()]);
    this.#tell();
  }

  /** As they are drawn: stacked ones from the top down, each over the one before. */
  #drawn() {
    if (!this.stacked) return this.#lines.map(({ values }) => values);
    const sums = [];
    for (const { values } of this.#lines) {
      const below = sums.at(-1);
      sums.push(values.map((value, at) => (value === null ? null : value + (below?.[at] ?? 0))));
    }
    return sums.reverse();
  }

  #make() {
    this.#plot?.destroy();
    const painted = this.stacked ? [...this.#lines].reverse() : this.#lines;
    const axis = {
      stroke: colour('muted'),
      font: '11px system-ui, sans-serif',
      grid: { stroke: colour('rule'), width: 1 },
      ticks: { show: false },
    };
    const options = {
      width: Math.max(this.#box.clientWidth, 200),
      height: HEIGHT,
      padding: [10, 26, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { size: 6 } },
      scales: {
        x: { range: (_, first, last) => [Math.min(first, last - 60), last] },
        y: { range: (_, least, most) => this.range(least, most) },
      },
      axes: [
        { ...axis, size: 26, space: 90, values: (_, at) => at.map(clock) },
        { ...axis, size: 62, values: (_, at) => at.map(this.format) },
      ],
      series: [
        {},
        ...painted.map(({ name, paint }) => ({
          label: name,
          stroke: colour(paint),
          fill: this.stacked ? colour(paint) : undefined,
          width: this.stacked ? 0 : paint === 'all' ? 2.5 : 1.5,
          spanGaps: true,
          points: { show: false },
        })),
      ],
      hooks: { setCursor: [() => this.#tell()] },
    };
    this.#plot = new uPlot(options, [[], ...painted.map(() => [])], this.#box);
    this.#legend.replaceChildren(
      ...this.#lines.map(({ name, paint }) =>
        element('li', {}, element('i', { class: `paint ${paint}` }), element('span', {}, name), element('b')),
      ),
    );
  }

  /** The values under the cursor, or else the last ones. */
  #tell() {
    const at = this.#plot?.cursor.idx ?? -1;
    this.#legend.querySelectorAll('b').forEach((value, which) => {
      const figure = this.#lines[which]?.values.at(at) ?? null;
      say(value, figure === null ? '–' : this.format(figure));
    });
  }
}

export class Charts {
  /** Which functions have lines: the busiest when they were first seen. A line keeps its colour. */
  #followed = [];

  constructor(parent) {
    this.ratio = new Chart(parent, { title: 'Hit ratio', format: (ratio) => percent(ratio).replace('.0', ''), range: toOne });
    this.results = new Chart(parent, { title: 'Calls, by what they were answered with', format: rate, stacked: true });
    this.latency = new Chart(parent, { title: 'Time of a load, mean', format: duration });
    this.loads = new Chart(parent, { title: 'Loads', format: rate });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#all((chart) => chart.forget()));
  }

  #all(act) {
    [this.ratio, this.results, this.latency, this.loads].forEach(act);
  }

  #follow(functions) {
    const busiest = functions.filter((fn) => fn.calls > 0).sort((a, b) => b.calls - a.calls);
    for (const fn of busiest) {
      if (this.#followed.length >= LINES) break;
      if (!this.#followed.some((followed) => followed.id === identity(fn))) {
        this.#followed.push({ id: identity(fn), name: bare(fn.name), paint: `line-${this.#followed.length}` });
      }
    }
  }

  show(past, figures) {
    this.#follow(figures.functions);
    const { times } = past;
    const each = (derive) => this.#followed.map(({ id, name, paint }) => line(name, paint, past.function(id, derive)));
    this.ratio.show(times, [...each(history.hitRatio), line('all', 'all', past.total(history.hitRatio))]);
    const results = RESULTS.filter((name) => figures.total.requests[name] > 0 || name === 'hit' || name === 'miss');
    const result = (name) => line(RESULT_NAMES[name], name.replace('_', '-'), past.total(history.result[name]));
    this.results.show(times, results.map(result));
    this.latency.show(times, each(history.loadLatency));
    this.loads.show(times, [...each(history.loads), line('all', 'all', past.total(history.loads))]);
  }
}

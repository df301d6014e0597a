// What was counted of each function, and what each function's annotation says.

import { bare, count, duration, element, identity, percent, RESULT_NAMES, RESULTS, say } from './words.js';

const NOTHING = '–';

/** Of a function that only writes there is nothing to say here. */
const ifRead = (text) => (fn) => (fn.calls + fn.loads > 0 ? text(fn) : NOTHING);

/** A column: its head, what it is called in the page's elements, and how a row says it. */
const COLUMNS = [
  { head: 'Calls', key: 'calls', text: ifRead((fn) => count(fn.calls)) },
  { head: 'Hit ratio', key: 'hit_ratio', text: (fn) => percent(fn.hit_ratio) },
  { head: 'Answered with', key: 'results', text: null },
  { head: 'Loads', key: 'loads', text: ifRead((fn) => count(fn.loads)) },
  { head: 'Saved', key: 'saved', text: ifRead((fn) => count(fn.saved)) },
  { head: 'p50', key: 'p50', text: (fn) => duration(fn.load.p50) },
  { head: 'p95', key: 'p95', text: (fn) => duration(fn.load.p95) },
  { head: 'p99', key: 'p99', text: (fn) => duration(fn.load.p99) },
  { head: 'Invalidated', key: 'invalidations', text: (fn) => count(fn.counters.invalidations) },
  { head: 'Failed', key: 'failures', text: ifRead((fn) => count(fn.counters.failures)) },
];

/** In the order in which a row that is opened has them. */
const COUNTER_NAMES = {
  stores: 'stored',
  invalidations: 'invalidated',
  failures: 'loads failed',
  coalesced: 'shared another load',
  lock_waits: 'waited for another process',
  lock_wait_time: 'waited, in all',
  wait_timeouts: 'waited in vain',
  refreshes: 'loaded anew',
  early_refreshes: 'of them before the ttl',
  late_fills: 'late fills refused',
  unstorable: 'not stored: codec',
  oversized: 'not stored: too large',
  errors: 'store errors',
  over_bound: 'loads over the bound',
  outage_hits: 'kept through an outage',
  unreadable: 'entries unreadable',
  undelivered: 'invalidations queued',
};

const TIMES = new Set(['lock_wait_time']);

const mono = (text) => element('code', {}, text);

/** Rows by what names them, made once: what somebody has opened or selected stays so. */
class Rows {
  #rows = new Map();

  constructor(table, heads, make) {
    this.table = table;
    this.make = make;
    const head = heads.map((text) => element('th', { scope: 'col' }, text));
    table.append(element('thead', {}, element('tr', {}, ...head)));
  }

  show(items) {
    this.table.hidden = items.length === 0;
    for (const item of items) {
      const id = identity(item);
      let row = this.#rows.get(id);
      if (!row) {
        row = this.make(item);
        this.#rows.set(id, row);
        this.table.append(row.element);
      }
      row.show(item);
    }
  }
}

/** The shares of the results, as a bar. */
class Results {
  #parts = RESULTS.map((name) => element('i', { class: `paint ${name.replace('_', '-')}` }));
  element = element('span', { class: 'results', role: 'img' }, ...this.#parts);

  show({ calls, requests }) {
    RESULTS.forEach((name, at) => {
      this.#parts[at].style.flexGrow = calls > 0 ? requests[name] / calls : 0;
    });
    const told = RESULTS.filter((name) => requests[name] > 0).map((name) => `${RESULT_NAMES[name]} ${count(requests[name])}`);
    const text = told.join(', ') || 'no calls';
    this.element.hidden = calls === 0;
    this.element.setAttribute('aria-label', text);
    this.element.setAttribute('title', text);
  }
}

class FunctionRow {
  #results = new Results();
  #cells = new Map();
  #more = element('dl', { class: 'more' });
  #counters = new Map();

  constructor(fn) {
    const cell = ({ head, key, text }) => {
      const made = element('td', { 'data-head': head, 'data-key': key });
      if (text) this.#cells.set(key, made);
      else made.append(this.#results.element);
      return made;
    };
    const toggle = element('button', { type: 'button', 'aria-expanded': 'false' }, bare(fn.name));
    const name = element('th', { scope: 'row' }, toggle, mono(fn.template));
    const details = element('tr', { class: 'details', hidden: '' }, element('td', { colspan: COLUMNS.length + 1 }, this.#more));
    toggle.addEventListener('click', () => {
      details.hidden = !details.hidden;
      toggle.setAttribute('aria-expanded', String(!details.hidden));
    });
    const row = element('tr', {}, name, ...COLUMNS.map(cell));
    this.element = element('tbody', { 'data-function': fn.name }, row, details);
    const counter = (key, head) => {
      const value = element('dd', { 'data-key': key });
      this.#counters.set(key, value);
      this.#more.append(element('div', {}, element('dt', {}, head), value));
    };
    RESULTS.forEach((result) => counter(result, RESULT_NAMES[result]));
    const known = Object.keys(COUNTER_NAMES);
    const others = Object.keys(fn.counters).filter((key) => !known.includes(key));
    [...known, ...others].forEach((key) => counter(key, COUNTER_NAMES[key] ?? key));
  }

  show(fn) {
    this.#results.show(fn);
    for (const { key, text } of COLUMNS.filter((column) => column.text)) {
      const cell = this.#cells.get(key);
      say(cell, text(fn));
      cell.classList.toggle('nothing', cell.textContent === NOTHING);
    }
    for (const [key, value] of this.#counters) {
      const figure = fn.requests[key] ?? fn.counters[key];
      say(value, TIMES.has(key) ? duration(figure) : count(figure));
    }
  }
}

class InventoryRow {
  constructor(fn) {
    const cell = (head, key, ...inside) =>
      element('td', { 'data-head': head, 'data-key': key, class: inside[0] === NOTHING ? 'nothing' : undefined }, ...inside);
    const options = fn.options.map((option) => element('code', { class: 'option' }, option));
    this.element = element(
      'tbody',
      { 'data-function': fn.name },
      element(
        'tr',
        {},
        element('th', { scope: 'row' }, bare(fn.name)),
        cell('Key', 'template', mono(fn.template)),
        cell('It', 'reads', fn.reads ? 'reads' : 'writes'),
        cell('ttl', 'ttl', fn.ttl ?? NOTHING),
        cell('Options', 'options', ...(options.length > 0 ? options : [NOTHING])),
        cell('Place', 'place', mono(`${fn.file}:${fn.line}`)),
      ),
    );
  }

  show() {}
}

export class Tables {
  constructor(functions, inventory, none) {
    this.none = none;
    this.functions = new Rows(functions, ['Function', ...COLUMNS.map(({ head }) => head)], (fn) => new FunctionRow(fn));
    const heads = ['Function', 'Key', 'It', 'ttl', 'Options', 'Place'];
    this.inventory = new Rows(inventory, heads, (fn) => new InventoryRow(fn));
  }

  show(figures) {
    this.none.hidden = figures.functions.length > 0;
    this.functions.show(figures.functions);
    this.inventory.show(figures.inventory);
  }
}

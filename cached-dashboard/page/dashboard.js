// Asks for the figures once a second, and shows them.

import { Charts } from './charts.js';
import { calls, History, hitRatio, loadLatency, loads, saved } from './history.js';
import { Tables } from './tables.js';
import { count, duration, element, percent, rate, say } from './words.js';

const PACE = 1000;
/** Over so many samples a tile says what is going on. */
const MINUTE = 60;

const byId = (id) => document.getElementById(id);

class Tile {
  #value = element('b');
  #beside = element('small');

  constructor(parent, key, name) {
    this.element = element('div', { class: 'tile', 'data-tile': key }, element('span', {}, name), this.#value, this.#beside);
    parent.append(this.element);
  }

  show(value, beside, alarm = false) {
    say(this.#value, value);
    say(this.#beside, beside);
    this.element.classList.toggle('alarm', alarm);
  }
}

class Tiles {
  constructor(parent) {
    const tile = (key, name) => new Tile(parent, key, name);
    this.ratio = tile('hit_ratio', 'Hit ratio');
    this.saved = tile('saved', 'Loads saved');
    this.calls = tile('calls', 'Calls');
    this.loads = tile('loads', 'Loads');
    this.store = tile('store', 'Store');
    this.queue = tile('queued', 'To be delivered');
    this.behind = tile('behind', 'To be written');
  }

  show(past, { total, store }) {
    const now = (derive, format) => {
      const value = past.latest(derive);
      return value === null ? '–' : format(value);
    };
    this.ratio.show(percent(total.hit_ratio), `${percent(past.latest(hitRatio, MINUTE))} this minute`);
    this.saved.show(count(total.saved), `${now(saved, rate)} now`);
    this.calls.show(count(total.calls), `${now(calls, rate)} now`);
    this.loads.show(count(total.loads), `${now(loads, rate)}, ${now(loadLatency, duration)} each`);
    const times = store.times_given_up;
    const given = times === 0 ? 'never given up' : `given up ${times === 1 ? 'once' : `${count(times)} times`}`;
    this.store.show(store.given_up ? 'given up' : 'in use', given, store.given_up);
    this.queue.show(count(store.queued), 'invalidations', store.queued > 0);
    const queues = Object.entries(store.write_behind);
    this.behind.element.hidden = queues.length === 0;
    const lengths = queues.map(([queue, length]) => `${queue} ${count(length)}`);
    this.behind.show(count(queues.reduce((all, [, length]) => all + length, 0)), lengths.join(', '));
  }
}

function healthOf({ state, reason }) {
  const said = byId('health');
  said.className = state;
  const word = { up: 'up', degraded: 'degraded', down: 'the store is away: every call runs its body' }[state];
  say(said, reason ? `${word}: ${reason}` : word);
}

const past = new History();
const tiles = new Tiles(byId('tiles'));
const charts = new Charts(byId('charts'));
const tables = new Tables(byId('functions'), byId('inventory'), byId('no-functions'));

async function ask() {
  const answer = await fetch('stats.json', { cache: 'no-store' });
  if (!answer.ok) throw new Error(`${answer.status}`);
  return answer.json();
}

function show(figures) {
  past.push(figures);
  healthOf(figures.health);
  tiles.show(past, figures);
  charts.show(past, figures);
  tables.show(figures);
  say(byId('heard'), '');
  document.body.classList.remove('deaf');
}

async function turn() {
  try {
    show(await ask());
  } catch {
    // The figures stay, for what they were worth.
    if (!document.body.classList.contains('deaf')) {
      say(byId('heard'), `no answer since ${new Date().toLocaleTimeString('en-GB')}; trying again`);
      document.body.classList.add('deaf');
    }
  }
  setTimeout(turn, PACE);
}

turn();

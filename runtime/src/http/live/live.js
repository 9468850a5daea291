// @ts-check
// Live updates in a page: one socket for each server, however many subscriptions, and what each of them shows now.
//
//   import { subscribe } from '/_stoa/live.js';
//   const stop = subscribe('/Product/?inStock=true', (products) => draw(products));
//
// A listener is called with whole commits only, after a lost connection with all that was missed, and never twice with the same.
// Records belong to all listeners: they are read, not changed.

/** @import { Change, Id, Message, Options, Problem, Status } from './live.d.ts' */

/** How long a socket may be silent before it is asked whether it lives: a page cannot see the server's pings. */
const SILENCE_MS = 75_000;
/** How often that is looked at, and at how many of these looks an answer may be missing. Looks are counted, because a page that sleeps
 * does not hear. */
const LOOK_MS = 5_000;
const LOOKS = 3;
/** How long the first and the longest wait before another try are, at most. */
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
/** The code with which the server closes when the schema has changed, and with it what a path means: nothing can be resumed. */
const OTHER_TABLES = 1012;
/** The name of the question whether the socket lives. */
const PROBE = 'probe';

/**
 * What one subscription shows: messages in, complete states out. It knows no socket, so it serves any connection that brings these
 * messages, server-sent events too.
 */
export class State {
  /** The records of the last complete state, in the order of their arrival. @type {Map<Id, any>} */
  #records = new Map();
  /** The state that is being told from its beginning. @type {Map<Id, any> | undefined} */
  #fresh = new Map();
  /** Messages of a commit whose last one has not come. @type {Message[]} */
  #held = [];
  /** What changed since the state was last given out. */
  #put = new Set();
  #gone = new Set();
  /** Whether the server has told all that there was when it was asked. */
  #ready = false;
  /** @type {string | undefined} */
  #since;

  /** The token from which on to resume; none if the state must be told anew. */
  get since() {
    return this.#since;
  }

  /** Whether there is a complete state that follows what happens. */
  get ready() {
    return this.#ready;
  }

  /** Prepares for the messages of a new connection. */
  reconnect() {
    this.#held = [];
    this.#ready = false;
    if (this.#since === undefined) this.#fresh = new Map();
  }

  /**
   * Takes a message; what it changed, if the state is complete with it.
   * @param {Message} message
   * @returns {Change | undefined}
   */
  take(message) {
    switch (message.type) {
      case 'put':
      case 'leave':
      case 'delete':
        return this.#fold(message);
      case 'reset':
        this.#since = undefined;
        this.reconnect();
        return undefined;
      case 'ready':
        return this.#complete(message.since);
    }
  }

  /** The present state, as one that has just begun. */
  whole() {
    return this.#change(true, this.#records.keys(), []);
  }

  /** @param {Extract<Message, { id: any }>} message */
  #fold(message) {
    if (this.#fresh) {
      const key = keyOf(message.id);
      if (message.type === 'put') this.#fresh.set(key, message.value);
      else this.#fresh.delete(key);
      return undefined;
    }
    this.#held.push(message);
    if (message.seq === undefined) return undefined;
    this.#apply();
    // Each of these is a point to resume from: the rest of the token names the log.
    this.#since = `${this.#since?.replace(/-[^-]*$/, '')}-${message.seq}`;
    return this.#ready ? this.#changed() : undefined;
  }

  /** Carries out what was held back. */
  #apply() {
    for (const message of this.#held) {
      if (!('id' in message)) continue;
      const key = keyOf(message.id);
      this.#put.delete(key);
      this.#gone.delete(key);
      if (message.type === 'put') {
        this.#records.set(key, message.value);
        this.#put.add(key);
      } else if (this.#records.delete(key)) {
        this.#gone.add(key);
      }
    }
    this.#held = [];
  }

  /** @param {string} since */
  #complete(since) {
    this.#since = since;
    this.#ready = true;
    if (!this.#fresh) {
      this.#apply();
      return this.#changed();
    }
    const [before, now] = [this.#records, this.#fresh];
    const put = [...now.keys()].filter((id) => JSON.stringify(now.get(id)) !== JSON.stringify(before.get(id)));
    const gone = [...before.keys()].filter((id) => !now.has(id));
    this.#records = now;
    this.#fresh = undefined;
    this.#put.clear();
    this.#gone.clear();
    return this.#change(true, put, gone);
  }

  #changed() {
    if (this.#put.size + this.#gone.size === 0) return undefined;
    const change = this.#change(false, this.#put, this.#gone);
    this.#put.clear();
    this.#gone.clear();
    return change;
  }

  /** @param {boolean} whole @param {Iterable<Id>} put @param {Iterable<Id>} gone @returns {Change} */
  #change(whole, put, gone) {
    return { whole, put: [...put], gone: [...gone], byId: new Map(this.#records) };
  }
}

/**
 * Follows the records of a path as `GET` takes it: `/Product/?inStock=true`, `/Product/product123`, or all that refers to a record,
 * `/Event/user123`. A path is one of the server that this module came from; a whole URL names another.
 * @param {string} url
 * @param {(records: any[], change: Change) => void} onChange
 * @param {Options} [options]
 * @returns {() => void} Ends it.
 */
export function subscribe(url, onChange, options = {}) {
  const [, origin = new URL(import.meta.url).origin, path = ''] = /^(https?:\/\/[^/?#]+)?(\/[^#]*)$/.exec(url) ?? [];
  if (!path || path.startsWith('//')) throw new TypeError(`subscribe takes a path such as /Product/, not ${url}`);
  const connection = connections.get(origin) ?? new Connection(origin);
  connections.set(origin, connection);
  return connection.add(path, { onChange, ...options });
}

/** @type {Map<string, Connection>} */
const connections = new Map();

/** @typedef {Options & { onChange: (records: any[], change: Change) => void }} Listener */

/** One path that is followed, whoever listens. */
class Feed {
  state = new State();
  /** @type {Status} */
  status = 'connecting';
  /** @type {Set<Listener>} */
  listeners = new Set();
  /** How often the server could not serve it just now. */
  refusals = 0;
  /** Whether there was a state to show. */
  shown = false;

  /** @param {string} path @param {string} name */
  constructor(path, name) {
    this.path = path;
    this.name = name;
  }

  /** @param {Change} change */
  show(change) {
    this.shown = true;
    for (const { onChange } of [...this.listeners]) call(onChange, [...change.byId.values()], change);
  }

  /** @param {Status} status */
  became(status) {
    if (this.status === status) return;
    this.status = status;
    for (const { onStatus } of [...this.listeners]) call(onStatus, status);
  }
}

/** The socket of one server. */
class Connection {
  /** @type {WebSocket | undefined} */
  #socket;
  /** What is followed, by path. @type {Map<string, Feed>} */
  #feeds = new Map();
  /** The same by name; a name is never used again, so that nothing is taken for another. @type {Map<string, Feed>} */
  #named = new Map();
  #names = 0;
  /** Tries since the last one that led to a state. */
  #tries = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #waiting;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #watch;
  #lastMessage = 0;
  /** How many looks ago the server was asked what it has not answered. @type {number | undefined} */
  #unanswered;
  #probing = false;

  /** @param {string} origin */
  constructor(origin) {
    this.url = `${origin.replace(/^http/, 'ws')}/_stoa/live`;
    globalThis.addEventListener?.('online', () => this.#wake());
    globalThis.addEventListener?.('offline', () => this.#probe());
    globalThis.addEventListener?.('pageshow', ({ persisted }) => persisted && this.#wake());
    globalThis.document?.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.#wake();
    });
  }

  /** @param {string} path @param {Listener} listener */
  add(path, listener) {
    const known = this.#feeds.get(path);
    const feed = known ?? new Feed(path, `${++this.#names}`);
    feed.listeners.add(listener);
    if (!known) {
      this.#feeds.set(path, feed);
      this.#named.set(feed.name, feed);
      if (this.#waiting !== undefined) feed.status = 'offline';
      this.#ask(feed);
    }
    this.#open();
    // Not before the caller has what ends it.
    queueMicrotask(() => {
      if (!feed.listeners.has(listener)) return;
      call(listener.onStatus, feed.status);
      if (!feed.shown || !feed.listeners.has(listener)) return;
      const change = feed.state.whole();
      call(listener.onChange, [...change.byId.values()], change);
    });
    return () => {
      if (feed.listeners.delete(listener) && feed.listeners.size === 0) this.#end(feed);
    };
  }

  /** @param {Feed} feed */
  #end(feed) {
    if (this.#forget(feed)) this.#send({ unsubscribe: feed.name });
  }

  /** @param {Feed} feed */
  #forget(feed) {
    if (this.#named.delete(feed.name)) return this.#feeds.delete(feed.path);
    return false;
  }

  #open() {
    if (this.#socket || this.#waiting !== undefined || this.#feeds.size === 0) return;
    const socket = new WebSocket(this.url);
    this.#socket = socket;
    this.#lastMessage = Date.now();
    this.#unanswered = 0;
    this.#probing = false;
    this.#watch ??= setInterval(() => this.#look(), LOOK_MS);
    socket.onopen = () => this.#feeds.forEach((feed) => this.#ask(feed));
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code }) => {
      if (code === OTHER_TABLES) this.#feeds.forEach(({ state }) => state.take({ type: 'reset' }));
      this.#lost();
    };
  }

  /** Leaves the socket, whatever has become of it, and tries again after a while: the longer, the more often it failed. */
  #lost() {
    this.#drop();
    for (const feed of this.#feeds.values()) feed.became('offline');
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#tries++) * (0.5 + Math.random() / 2);
    this.#waiting = setTimeout(() => this.#retry(), wait);
  }

  #retry() {
    clearTimeout(this.#waiting);
    this.#waiting = undefined;
    this.#open();
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    // One that is closing still receives.
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  /** The network is back, or somebody looks at the page again. */
  #wake() {
    if (this.#waiting !== undefined) {
      this.#tries = 0;
      this.#retry();
    } else {
      this.#probe();
    }
  }

  /** Finds out whether the socket is what it seems to be. */
  #look() {
    if (this.#feeds.size === 0) {
      this.#drop();
      clearInterval(this.#watch);
      this.#watch = undefined;
    } else if (this.#socket && this.#unanswered !== undefined) {
      if (++this.#unanswered > LOOKS) this.#lost();
    } else if (Date.now() - this.#lastMessage > SILENCE_MS) {
      this.#probe();
    }
  }

  /** Asks what nobody can leave unanswered: to resume what is followed already. Whatever comes, the socket lives. */
  #probe() {
    const feed = [...this.#feeds.values()].find(({ state }) => state.ready);
    if (!feed || !this.#socket || this.#unanswered !== undefined) return;
    this.#unanswered = 0;
    this.#probing = true;
    this.#send({ subscribe: feed.path, as: PROBE, since: feed.state.since });
  }

  /** @param {Feed} feed */
  #ask(feed) {
    if (this.#socket?.readyState !== WebSocket.OPEN || !this.#named.has(feed.name)) return;
    feed.state.reconnect();
    this.#send({ subscribe: feed.path, as: feed.name, since: feed.state.since });
  }

  /** @param {object} message */
  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** @param {string} data */
  #receive(data) {
    this.#lastMessage = Date.now();
    this.#unanswered = undefined;
    /** @type {Message} */
    const message = JSON.parse(data);
    if (message.as === PROBE && this.#probing) {
      this.#probing = false;
      this.#send({ unsubscribe: PROBE });
    }
    const feed = this.#named.get(message.as ?? '');
    if (!feed) return;
    if (message.type === 'error') return this.#refused(feed, message.problem);
    const change = feed.state.take(message);
    if (message.type === 'ready') this.#tries = feed.refusals = 0;
    if (change) feed.show(change);
    if (feed.state.ready) feed.became('live');
    else if (message.type === 'reset') feed.became('connecting');
  }

  /** What cannot be served now is asked for again; what is wrong stays wrong. @param {Feed} feed @param {Problem} problem */
  #refused(feed, problem) {
    if (problem.status === 429 || problem.status >= 500) {
      feed.became('offline');
      const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** feed.refusals++) * (0.5 + Math.random() / 2);
      setTimeout(() => feed.state.ready || this.#ask(feed), wait);
      return;
    }
    this.#forget(feed);
    for (const { onError } of feed.listeners) {
      if (onError) call(onError, problem);
      else console.error(`${feed.path} cannot be followed:`, problem.detail);
    }
  }
}

/** Calls a listener; its failure is its own. @param {Function | undefined} listener @param {any[]} what */
function call(listener, ...what) {
  try {
    listener?.(...what);
  } catch (error) {
    (globalThis.reportError ?? console.error)(error);
  }
}

/** Keys of several attributes are lists, which are not equal to themselves. @param {any} id @returns {Id} */
function keyOf(id) {
  return typeof id === 'object' ? JSON.stringify(id) : id;
}

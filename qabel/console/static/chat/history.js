// @ts-check
// The messages of one conversation, of which a part is held: the pages around what is seen.

import { Observable } from "../observable.js";
import { call, Problem } from "../session.js";
import { before, compare } from "./cursors.js";

/** @typedef {import("../data.js").Message} Message */
/** @typedef {{ messages: Message[], atStart: boolean, atEnd: boolean, isReady: boolean, error: unknown }} Held */

const PAGE = 60;

/** So many messages are held at most: what is far away is let go, and read again when needed. */
const MOST = 240;

const RANKS = { queued: 0, sent: 1, failed: 2, acknowledged: 3 };

export class History {
  /** @param {string} id the conversation */
  constructor(id) {
    this.id = id;
    /** @type {Observable<Held>} */
    this.held = new Observable(/** @type {Held} */ ({ messages: [], atStart: false, atEnd: true, isReady: false, error: null }));
    /** @type {Map<number, string>} States from events: they may come before the message. */
    this.states = new Map();
    /** @type {Promise<void>} */
    this.turn = Promise.resolve();
    this.isClosed = false;
    /** Shows what was to be shown, for as long as nothing could be read. @type {(() => Promise<void>) | null} */
    this.again = null;
    /** Whether what is new will be read in a moment. */
    this.isAsked = false;
  }

  /** Run one thing after the other; what failed because nobody answered is for `reread`. @param {() => Promise<void>} work */
  inTurn(work) {
    this.turn = this.turn.then(async () => {
      if (this.isClosed) return;
      try {
        await work();
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        if (error.status !== 0) this.held.set({ ...this.held.value, error });
      }
    });
    return this.turn;
  }

  /** @param {string} query */
  async page(query) {
    return /** @type {Message[]} */ ((await call("GET", `/chat/conversations/${this.id}/messages?${query}`)).messages.reverse());
  }

  /** @param {Partial<Held>} changes */
  change(changes) {
    const next = { ...this.held.value, error: null, isReady: true, ...changes };
    next.messages = next.messages.map((each) => this.current(each));
    this.held.set(next);
  }

  /** @param {Message} message */
  current(message) {
    const told = this.states.get(message.id);
    if (!told || message.direction === "in") return message;
    const ranks = /** @type {Record<string, number>} */ (RANKS);
    return ranks[told] > ranks[message.state] ? { ...message, state: told } : message;
  }

  /** Show one part of it, which `reread` tries again if nobody answers. @param {() => Promise<void>} work */
  show(work) {
    this.again = () => this.show(work);
    return this.inTurn(work);
  }

  /** Show the newest messages. */
  newest() {
    return this.show(async () => {
      const messages = await this.page(`limit=${PAGE}`);
      this.change({ messages, atStart: messages.length < PAGE, atEnd: true });
    });
  }

  /** Show the messages around a place. @param {string} cursor what comes behind it is in the middle */
  around(cursor) {
    return this.show(async () => {
      const [older, newer] = await Promise.all([
        this.page(`before=${cursor}&limit=${PAGE}`), this.page(`after=${before(cursor)}&limit=${PAGE}`),
      ]);
      const messages = [...older, ...newer.filter((each) => !older.some((one) => one.id === each.id))];
      this.change({ messages, atStart: older.length < PAGE, atEnd: newer.length < PAGE });
    });
  }

  /** Show one message among its neighbours. @param {number} number its id */
  at(number) {
    return this.show(async () => {
      const message = await call("GET", `/chat/messages/${number}`);
      if (message.conversation !== this.id) throw new Problem(404, "");
      const [older, newer] = await Promise.all([
        this.page(`before=${message.cursor}&limit=${PAGE}`), this.page(`after=${message.cursor}&limit=${PAGE}`),
      ]);
      this.change({ messages: [...older, message, ...newer], atStart: older.length < PAGE, atEnd: newer.length < PAGE });
    });
  }

  /** Read the page before. */
  older() {
    return this.inTurn(async () => {
      const { messages, atStart, atEnd } = this.held.value;
      if (atStart || messages.length === 0) return;
      const page = await this.page(`before=${messages[0].cursor}&limit=${PAGE}`);
      const all = [...page, ...messages];
      this.change({ messages: all.slice(0, MOST), atStart: page.length < PAGE, atEnd: atEnd && all.length <= MOST });
    });
  }

  /** Read what comes behind what is held. */
  newer() {
    return this.inTurn(async () => {
      this.isAsked = false;
      const { messages, atStart, isReady } = this.held.value;
      if (!isReady) return;
      const cursor = messages.length ? messages[messages.length - 1].cursor : "0-0";
      const page = await this.page(`after=${cursor}&limit=${PAGE}`);
      const all = [...messages, ...page];
      this.change({ messages: all.slice(-MOST), atStart: atStart && all.length <= MOST, atEnd: page.length < PAGE });
    });
  }

  /** Read again all that is held, after something may have been missed. */
  reread() {
    if (!this.held.value.isReady) return this.again ? this.again() : this.turn;
    return this.inTurn(async () => {
      const { messages, atStart } = this.held.value;
      const limit = messages.length + PAGE;
      const cursor = atStart || !messages.length ? "0-0" : before(messages[0].cursor);
      const page = await this.page(`after=${cursor}&limit=${limit}`);
      this.change({ messages: page.slice(-MOST), atStart: atStart && page.length <= MOST, atEnd: page.length < limit });
    });
  }

  /** Take in a message that has come, was sent, or has changed. @param {number} number its id */
  hear(number) {
    const isHeld = this.held.value.messages.some((each) => each.id === number);
    if (isHeld) {
      return this.inTurn(async () => this.replace(await call("GET", `/chat/messages/${number}`)));
    }
    if (!this.held.value.atEnd || this.isAsked) return this.turn;
    this.isAsked = true;
    return this.newer();
  }

  /** @param {Message} message as it is now */
  replace(message) {
    this.change({ messages: this.held.value.messages.map((each) => (each.id === message.id ? message : each)) });
  }

  /** Take in a state that an event told. @param {number} number @param {string} state */
  tell(number, state) {
    this.states.set(number, state);
    if (this.held.value.messages.some((each) => each.id === number)) this.change({});
  }

  /** Take in the answer to a message that was sent. @param {Message} message */
  add(message) {
    const { messages, atEnd } = this.held.value;
    if (!atEnd || messages.some((each) => each.id === message.id)) return;
    const all = [...messages, message].sort((one, other) => compare(one.cursor, other.cursor));
    this.change({ messages: all });
  }

  /** Let go of a message that was deleted. @param {number} number */
  drop(number) {
    if (!this.held.value.messages.some((each) => each.id === number)) return;
    this.change({ messages: this.held.value.messages.filter((each) => each.id !== number) });
  }

  /** Read nothing from now on. */
  close() {
    this.isClosed = true;
  }

  /** Go on after all. */
  open() {
    this.isClosed = false;
    this.isAsked = false;
    return this.reread();
  }
}

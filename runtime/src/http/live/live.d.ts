/** A record's primary key; one of several attributes is their list as JSON text. */
export type Id = string | number;

/** What a call of `onChange` tells beside the records. */
export interface Change<Record = any> {
  /** Whether this is not a step from the state before: the first one, or one that was told anew. */
  whole: boolean;
  /** Records that are new or other than before. */
  put: Id[];
  /** Records that are there no more: deleted, or no longer what the path asks for. */
  gone: Id[];
  /** The records by their ids, in the same order. */
  byId: ReadonlyMap<Id, Record>;
}

/**
 * `connecting`: there is no complete state yet. `live`: what is shown is what there is. `offline`: what is shown may be old; the
 * connection is tried again and again.
 */
export type Status = 'connecting' | 'live' | 'offline';

/** A problem document (RFC 9457). */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  [member: string]: unknown;
}

export interface Options {
  /** Called with the present status, then whenever it changes. */
  onStatus?: (status: Status) => void;
  /** The server refuses to serve this path at all; nothing follows. */
  onError?: (problem: Problem) => void;
}

/**
 * Follows the records of a path as `GET` takes it: `/Product/?inStock=true`, `/Product/product123`, or all that refers to a record,
 * `/Event/user123`. A path is one of the server that this module came from; a whole URL names another.
 *
 * `onChange` is called with the first complete state, then after each commit that changes it.
 *
 * @returns What ends it.
 */
export function subscribe<Record = any>(
  url: string,
  onChange: (records: Record[], change: Change<Record>) => void,
  options?: Options,
): () => void;

/** What the server sends. Only the last message of a commit carries `seq`. */
export type Message = { as?: string } & (
  | { type: 'put'; table: string; id: any; value: any; etag: string; timestamp: string; seq?: number }
  | { type: 'leave' | 'delete'; table: string; id: any; timestamp: string; seq?: number }
  | { type: 'ready'; seq: number; since: string }
  | { type: 'reset' }
  | { type: 'error'; problem: Problem }
);

/** What one subscription shows: messages in, complete states out, for a connection of one's own. */
export class State {
  /** The token from which on to resume; none if the state must be told anew. */
  get since(): string | undefined;
  /** Whether there is a complete state that follows what happens. */
  get ready(): boolean;
  /** Prepares for the messages of a new connection. */
  reconnect(): void;
  /** Takes a message; what it changed, if the state is complete with it. */
  take(message: Message): Change | undefined;
  /** The present state, as one that has just begun. */
  whole(): Change;
}

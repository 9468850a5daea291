// What the module for pages makes of the messages of a subscription: node --test state.test.mjs
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test from 'node:test';

// It stands in a folder without a package.json that calls it a module.
const text = await readFile(new URL('../../runtime/src/http/live/live.js', import.meta.url), 'utf8');
const { State } = await import(`data:text/javascript,${encodeURIComponent(text)}`);

const put = (id, value, seq) => ({ type: 'put', table: 'T', id, value, etag: '"1"', timestamp: '', ...(seq && { seq }) });
const gone = (type, id, seq) => ({ type, table: 'T', id, timestamp: '', ...(seq && { seq }) });
const ready = (seq, log = 'k7f2') => ({ type: 'ready', seq, since: `${log}-${seq}` });
const reset = { type: 'reset' };

/** What is given out on the way, as [whole, put, gone, records]. */
function told(state, messages) {
  const changes = messages.map((message) => state.take(message)).filter(Boolean);
  return changes.map(({ whole, put, gone, byId }) => [whole, put, gone, [...byId.values()]]);
}

function begun(...messages) {
  const state = new State();
  state.reconnect();
  told(state, [...messages, ready(41)]);
  return state;
}

test('a state is given out when it is complete', () => {
  const state = new State();
  state.reconnect();
  assert.deepEqual(told(state, [put('b', 1), put('a', 2)]), []);
  assert.equal(state.ready, false);
  assert.deepEqual(told(state, [ready(41)]), [[true, ['b', 'a'], [], [1, 2]]]);
  assert.deepEqual([state.ready, state.since], [true, 'k7f2-41']);
});

test('an empty state is one', () => {
  assert.deepEqual(told(new State(), [ready(0)]), [[true, [], [], []]]);
});

test('a commit is given out as a whole, and can be resumed from', () => {
  const state = begun(put('a', 1), put('b', 2));
  assert.deepEqual(told(state, [put('c', 3), gone('delete', 'a')]), []);
  assert.deepEqual([...state.whole().byId.values()], [1, 2]);
  assert.deepEqual(told(state, [put('b', 4, 43)]), [[false, ['c', 'b'], ['a'], [4, 3]]]);
  assert.equal(state.since, 'k7f2-43');
});

test('the log of a token may have dashes', () => {
  const state = new State();
  told(state, [ready(1, 'k-7'), put('a', 1, 2)]);
  assert.equal(state.since, 'k-7-2');
});

test('what is given out does not change afterwards', () => {
  const state = begun(put('a', 1));
  const [, , , before] = told(state, [put('b', 2, 42)])[0];
  const { byId } = state.whole();
  told(state, [put('c', 3, 43)]);
  assert.deepEqual([before, [...byId.keys()]], [[1, 2], ['a', 'b']]);
});

test('a lost connection is resumed from the last whole commit', () => {
  const state = begun(put('a', 1), put('b', 2));
  told(state, [put('a', 3, 42), put('b', 9)]);
  state.reconnect();
  assert.deepEqual([state.ready, state.since], [false, 'k7f2-42']);
  assert.deepEqual([...state.whole().byId.values()], [3, 2], 'half a commit is not shown');
  assert.deepEqual(told(state, [put('b', 4), gone('leave', 'a'), ready(44)]), [[false, ['b'], ['a'], [4]]]);
  assert.equal(state.since, 'k7f2-44');
});

test('nothing is told where nothing was missed', () => {
  const state = begun(put('a', 1));
  state.reconnect();
  assert.deepEqual(told(state, [ready(50)]), []);
  assert.equal(state.ready, true);
});

test('commits that come while it resumes are told together', () => {
  const state = begun(put('a', 1));
  state.reconnect();
  assert.deepEqual(told(state, [put('a', 2, 42), put('b', 3, 43), gone('delete', 'b', 44)]), []);
  assert.equal(state.since, 'k7f2-44');
  assert.deepEqual(told(state, [ready(44)]), [[false, ['a'], ['b'], [2]]]);
});

test('after a reset the state before is shown until the new one is complete', () => {
  const state = begun(put('a', 1), put('b', 2));
  assert.deepEqual(told(state, [put('a', 8), reset, put('b', 2)]), []);
  assert.deepEqual([state.ready, state.since], [false, undefined]);
  assert.deepEqual([...state.whole().byId.values()], [1, 2]);
  assert.deepEqual(told(state, [put('c', 3), ready(60, 'other')]), [[true, ['c'], ['a'], [2, 3]]]);
  assert.equal(state.since, 'other-60');
});

test('a connection lost in the middle of a state begins it anew', () => {
  const state = begun(put('a', 1));
  told(state, [reset, put('b', 2)]);
  state.reconnect();
  assert.equal(state.since, undefined);
  assert.deepEqual(told(state, [put('c', 3), ready(61)]), [[true, ['c'], ['a'], [3]]]);
});

test('keys of several attributes are known again', () => {
  const state = begun(put(['a', 1], 1));
  assert.deepEqual(told(state, [put(['a', 1], 2, 42)]), [[false, ['["a",1]'], [], [2]]]);
});

test('what was never there does not go', () => {
  assert.deepEqual(told(begun(put('a', 1)), [gone('delete', 'z', 42)]), []);
});

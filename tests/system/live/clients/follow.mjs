// Follows a running server with the package `ws`: node follow.mjs http://127.0.0.1:PORT
// The server serves `type Item @table @export { id: ID @primaryKey n: Int }`. Ends with 1 at the first surprise.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import WebSocket from 'ws';

const base = process.argv[2];
const live = base.replace('http:', 'ws:');

async function send(method, path, body) {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(base + path, { method, headers, body: body && JSON.stringify(body) });
  assert.ok(answer.ok, await answer.text());
  return answer.headers;
}

/** A socket, and what it hears: messages in the order in which they come. */
async function opened(path) {
  const socket = new WebSocket(live + path);
  const [messages, waiting] = [[], []];
  socket.on('message', (data, binary) => {
    assert.equal(binary, false);
    const message = JSON.parse(data);
    if (waiting.length) waiting.shift()(message); else messages.push(message);
  });
  const next = () => (messages.length ? messages.shift() : new Promise((heard) => waiting.push(heard)));
  await once(socket, 'open');
  assert.equal(socket.extensions, '');
  const hears = async (...expected) => {
    for (const wanted of expected) {
      const message = await next();
      assert.deepEqual([message.as, message.type, message.id, message.value], wanted);
    }
  };
  return { socket, hears };
}

async function followsAQuery() {
  await send('PUT', '/Item/a', { n: 1 });
  const { socket, hears } = await opened('/Item/?select(n)');
  await hears([undefined, 'put', 'a', 1], [undefined, 'ready', undefined, undefined]);
  const since = (await send('PUT', '/Item/b', { n: 2 })).get('stoa-seq');
  await hears([undefined, 'put', 'b', 2]);
  socket.ping('are you there');
  assert.equal(String((await once(socket, 'pong'))[0]), 'are you there');
  await send('DELETE', '/Item/b');
  await hears([undefined, 'delete', 'b', undefined]);
  socket.close(3000, 'enough');
  assert.equal((await once(socket, 'close'))[0], 3000);
  const again = await opened(`/Item/?select(n)&since=${since}`);
  await again.hears([undefined, 'delete', 'b', undefined], [undefined, 'ready', undefined, undefined]);
  again.socket.terminate();
}

async function followsManyQueries() {
  const { socket, hears } = await opened('/_stoa/live');
  socket.send(JSON.stringify({ subscribe: '/Item/?select(n)', as: 'items' }));
  await hears(['items', 'put', 'a', 1], ['items', 'ready', undefined, undefined]);
  const fragments = ['{"subscribe":"/Item/a?', 'select(n)",', '"as":"one"}'];
  fragments.forEach((fragment, at) => socket.send(fragment, { fin: at === fragments.length - 1 }));
  await hears(['one', 'put', 'a', 1], ['one', 'ready', undefined, undefined]);
  socket.send('{"unsubscribe":"items"}');
  socket.send('no JSON');
  await hears([undefined, 'error', undefined, undefined]);
  await send('PUT', '/Item/a', { n: 3 });
  await hears(['one', 'put', 'a', 3]);
  socket.send(Buffer.from('bytes'));
  assert.equal((await once(socket, 'close'))[0], 1003);
}

async function isRefused() {
  const socket = new WebSocket(`${live}/Item/?nothing=1`);
  socket.on('error', () => {});
  const [, answer] = await once(socket, 'unexpected-response');
  assert.equal(answer.statusCode, 400);
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  socket.terminate();
}

await followsAQuery();
await followsManyQueries();
await isRefused();

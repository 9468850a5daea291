// Follows a running server in a real browser, with its own WebSocket and EventSource: node live.mjs http://127.0.0.1:PORT
// The server serves `type Item @table @export { id: ID @primaryKey n: Int }`. Ends with 1 at the first surprise.
// The browser comes through a proxy that can cut its connections.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import puppeteer from 'puppeteer-core';

const base = process.argv[2];
const open = new Set();
const proxy = net.createServer((client) => {
  const server = net.connect(new URL(base).port, '127.0.0.1');
  for (const [one, other] of [[client, server], [server, client]]) {
    open.add(one);
    one.pipe(other);
    one.on('error', () => other.destroy());
    one.on('close', () => { open.delete(one); other.destroy(); });
  }
}).listen(0, '127.0.0.1');
await once(proxy, 'listening');
const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
});

try {
  const page = await browser.newPage();
  page.setDefaultTimeout(60_000);
  page.on('pageerror', (error) => assert.fail(error));
  await page.goto(`http://127.0.0.1:${proxy.address().port}/_stoa/docs`);
  await send('PUT', '/Item/a', { n: 1 });
  await followsWithASocket(page);
  await followsWithEvents(page);
} finally {
  await browser.close();
  proxy.close();
  open.forEach((socket) => socket.destroy());
}

async function send(method, path, body) {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(base + path, { method, headers, body: body && JSON.stringify(body) });
  assert.ok(answer.ok, await answer.text());
}

/** Waits until the page has heard as many messages, and compares them: type, id and value. */
async function hears(page, ...expected) {
  await page.waitForFunction((count) => window.heard.length >= count, {}, expected.length);
  const heard = await page.evaluate((count) => window.heard.splice(0, count), expected.length);
  assert.deepEqual(heard.map(({ type, id, value }) => [type, id, value]), expected);
}

async function followsWithASocket(page) {
  await page.evaluate(() => {
    window.heard = [];
    window.socket = new WebSocket(`ws://${location.host}/Item/?select(n)`);
    window.socket.onmessage = ({ data }) => window.heard.push(JSON.parse(data));
    window.ended = new Promise((closed) => { window.socket.onclose = ({ code, wasClean }) => closed([code, wasClean]); });
  });
  await hears(page, ['put', 'a', 1], ['ready', undefined, undefined]);
  await send('PUT', '/Item/b', { n: 2 });
  await hears(page, ['put', 'b', 2]);
  await send('DELETE', '/Item/b');
  await hears(page, ['delete', 'b', undefined]);
  assert.deepEqual(await page.evaluate(() => { window.socket.close(3001, 'enough'); return window.ended; }), [3001, true]);
}

async function followsWithEvents(page) {
  await page.evaluate(() => {
    window.heard = [];
    window.events = new EventSource('/Item/?select(n)');
    window.events.onmessage = ({ data }) => window.heard.push(JSON.parse(data));
  });
  await hears(page, ['put', 'a', 1], ['ready', undefined, undefined]);
  await send('PUT', '/Item/b', { n: 2 });
  await hears(page, ['put', 'b', 2]);
  // The browser comes back by itself with the id of the last event, and has missed nothing.
  open.forEach((socket) => socket.destroy());
  await send('PUT', '/Item/c', { n: 3 });
  await hears(page, ['put', 'c', 3], ['ready', undefined, undefined]);
  await send('DELETE', '/Item/c');
  await hears(page, ['delete', 'c', undefined]);
  await page.evaluate(() => window.events.close());
}

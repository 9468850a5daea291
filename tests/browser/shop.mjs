// The storefront's page in real browsers: node shop.mjs BINARY EXAMPLES [PICTURES]
import assert from 'node:assert/strict';
import { App, fits, kept, shows, status, tabTo, test } from './app.mjs';

const CHAIR = 'product132';
const LAPTOP = 'product124';
const TENT = 'product105';

await test('storefront', [
  oneBuysAndTheOtherSees,
  whoIsLateIsToldKindly,
  aPurchaseWithoutAMouse,
  whoEmptiesTheCartKeepsTheFocus,
  whatHappenedMeanwhileIsShown,
  aServerThatHangsIsNoticed,
  onAPhone,
  equalSubscriptionsAreOne,
  noCommitIsSeenByHalf,
  whatCannotBeFollowedIsSaid,
  aPageOfAnotherOriginFollows,
]);

function stock(id) {
  return `#product-${id} .stock`;
}

function placeOf(page, id) {
  return page.$eval(`#product-${id}`, (node) => JSON.stringify(node.getBoundingClientRect()));
}

async function add(page, id, times = 1) {
  for (let time = 1; time <= times; time += 1) {
    await page.locator(`#product-${id} button`).click();
    await shows(page, '#lines .stepper output', String(time));
  }
}

async function buy(page) {
  await page.locator('#email').fill('ana@example.com');
  await page.locator('#buy button').click();
}

async function oneBuysAndTheOtherSees(app) {
  const [one, other] = [await app.open(), await app.open()];
  await shows(other, stock(CHAIR), 'Only 4 left');
  const before = await placeOf(other, CHAIR);
  await add(one, CHAIR, 2);
  await shows(one, '#total', '€699.00');
  await buy(one);
  await shows(one, '#toast', /Thank you/);
  await shows(other, stock(CHAIR), 'Only 2 left');
  assert.ok(await other.$(`${stock(CHAIR)} .changed`), 'what changed is not marked');
  assert.equal(await placeOf(other, CHAIR), before, 'the goods moved');
  await one.waitForSelector('#buy[hidden]');
  await app.send('PATCH', `/Product/${CHAIR}`, { price: 299 });
  await shows(other, `#product-${CHAIR} .price`, '€299.00');
  const [{ lines }] = await app.send('GET', '/Order/?email=ana@example.com&select=lines{quantity,price}');
  assert.deepEqual(lines, [{ quantity: 2, price: 349.5 }]);
}

async function whoIsLateIsToldKindly(app) {
  const [one, other] = [await app.open(), await app.open()];
  await add(one, LAPTOP, 2);
  await add(other, LAPTOP, 2);
  await buy(one);
  await shows(other, stock(LAPTOP), 'Only 1 left');
  await buy(other);
  await shows(other, '#told', /Somebody was faster: only 1 of “Refurbished laptop, 14 inch” is left\. Nothing was bought\./);
  await kept(other, 'shop-late');
  await other.locator('#told button').click();
  await shows(other, '#lines .stepper output', '1');
  await add(one, LAPTOP);
  await buy(one);
  await shows(other, stock(LAPTOP), 'Sold out');
  await buy(other);
  await shows(other, '#told', /has just sold out\. Nothing was bought\./);
  await other.locator('#told button').click();
  await other.waitForSelector('#buy[hidden]');
  assert.equal((await app.send('GET', `/Product/${LAPTOP}`)).stockQuantity, 0);
}

async function aPurchaseWithoutAMouse(app) {
  const page = await app.open();
  await tabTo(page, '#search');
  await page.keyboard.type('tent');
  await tabTo(page, `#product-${TENT} button`);
  await page.keyboard.press('Enter');
  await shows(page, '#toast', 'Two-person tent is in your cart');
  await page.waitForSelector('#buy:not([hidden])');
  await tabTo(page, '#lines button[value="more"]');
  await page.keyboard.press('Enter');
  await shows(page, '#lines .stepper output', '2');
  await tabTo(page, '#email');
  await page.keyboard.type('ana@example.com');
  await page.keyboard.press('Enter');
  await shows(page, '#toast', /Thank you/);
  await shows(page, stock(TENT), '7 in stock');
}

async function whoEmptiesTheCartKeepsTheFocus(app) {
  const page = await app.open();
  await add(page, TENT);
  await page.focus('#lines button[value="remove"]');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#buy[hidden]');
  await page.waitForSelector('#cart-title:focus');
}

async function whatHappenedMeanwhileIsShown(app) {
  const page = await app.open();
  await shows(page, stock(TENT), '9 in stock');
  await page.evaluate(async () => {
    const { subscribe } = await import('/_stoa/live.js');
    window.seen = [];
    await new Promise((begun) => {
      subscribe('/Product/?sort=name', (records, { whole, put }) => { seen.push([whole, put]); begun(); });
    });
  });
  app.down = true;
  await app.kill();
  await status(page, 'offline');
  assert.equal(await page.$eval('#offline', (node) => node.hidden), false);
  assert.equal(await page.$eval(`${stock(TENT)} span`, (node) => node.textContent), '9 in stock');
  await kept(page, 'shop-offline');
  // Where the page does not look for it, the server sells a tent.
  const port = app.port;
  await app.start(0);
  await app.send('PATCH', `/Product/${TENT}`, { stockQuantity: { __op__: 'add', value: -1 } });
  await app.kill();
  await app.start(port);
  await shows(page, stock(TENT), '8 in stock');
  await status(page, 'live');
  assert.deepEqual(await page.evaluate(() => window.seen.slice(1)), [[false, [TENT]]], 'only what was missed is told');
  await app.send('PATCH', `/Product/${TENT}`, { stockQuantity: { __op__: 'add', value: -1 } });
  await shows(page, stock(TENT), '7 in stock');
}

async function aServerThatHangsIsNoticed(app) {
  const page = await app.open();
  app.down = true;
  app.server.kill('SIGSTOP');
  await page.evaluate(() => { dispatchEvent(new Event('online')); });
  await status(page, 'offline');
  app.server.kill('SIGCONT');
  await app.send('PATCH', `/Product/${TENT}`, { stockQuantity: { __op__: 'add', value: -1 } });
  await shows(page, stock(TENT), '8 in stock');
  await status(page, 'live');
}

async function onAPhone(app) {
  const page = await app.open('/', { phone: true });
  await fits(page);
  await kept(page, 'shop-phone');
  await page.locator(`#product-${TENT} button`).click();
  await shows(page, '#open-cart .count', '1');
  await page.locator('#open-cart').click();
  await page.waitForSelector('#cart:modal');
  await kept(page, 'shop-phone-cart');
  await fits(page);
  await page.keyboard.press('Escape');
  await page.waitForSelector('#cart:not(:modal)');
  await page.locator('#open-cart').click();
  await buy(page);
  await shows(page, '#toast', /Thank you/);
}

async function equalSubscriptionsAreOne(app) {
  const page = await app.open();
  const network = await page.createCDPSession();
  await network.send('Network.enable');
  const sent = [];
  network.on('Network.webSocketFrameSent', ({ response }) => sent.push(JSON.parse(response.payloadData)));
  const states = await page.evaluate(async (tent) => {
    const { subscribe } = await import('/_stoa/live.js');
    const path = `/Product/?id=${tent}&select=stockQuantity`;
    const states = [];
    const next = (name) => new Promise((called) => {
      const stop = subscribe(path, (records, change) => { states.push([name, records, change.whole]); called(stop); });
    });
    const stops = [await next('first'), await next('late')];
    stops.forEach((stop) => stop());
    await next('after');
    return states;
  }, TENT);
  const records = [{ stockQuantity: 9 }];
  assert.deepEqual(states, [['first', records, true], ['late', records, true], ['after', records, true]]);
  const kinds = sent.map((message) => (message.subscribe ? 'subscribe' : 'unsubscribe'));
  assert.deepEqual(kinds, ['subscribe', 'unsubscribe', 'subscribe']);
  assert.notEqual(sent[0].as, sent[2].as);
}

async function noCommitIsSeenByHalf(app) {
  const page = await app.open();
  await page.evaluate(async () => {
    const { subscribe } = await import('/_stoa/live.js');
    window.sums = [];
    await new Promise((begun) => {
      subscribe('/Product/?categoryId=outdoors&select=id,stockQuantity', (records) => {
        sums.push(records.reduce((sum, { stockQuantity }) => sum + stockQuantity, 0));
        window.torches = records.find(({ id }) => id === 'product126').stockQuantity;
        begun();
      });
    });
  });
  const move = (id, value) => ({ method: 'PATCH', path: `/Product/${id}`, body: { stockQuantity: { __op__: 'add', value } } });
  for (let time = 0; time < 40; time += 1) {
    await app.send('POST', '/_stoa/commit', { operations: [move('product126', -1), move('product121', 1)] });
  }
  await page.waitForFunction(() => window.torches === 12);
  const sums = await page.evaluate(() => window.sums);
  assert.deepEqual([...new Set(sums)], [207]);
}

async function whatCannotBeFollowedIsSaid(app) {
  const page = await app.open();
  const problem = await page.evaluate(async () => {
    const { subscribe } = await import('/_stoa/live.js');
    return new Promise((refused) => { subscribe('/Product/?colour=red', () => refused('shown'), { onError: refused }); });
  });
  assert.equal(problem.type, '/_stoa/problems/unknown-attribute');
  await assert.rejects(page.evaluate(async () => (await import('/_stoa/live.js')).subscribe('Product')), /a path such as/);
}

async function aPageOfAnotherOriginFollows(app) {
  const page = await app.open();
  const calendar = new App('calendar', app.browser);
  try {
    await calendar.start();
    const names = await page.evaluate(async (base) => {
      const { subscribe } = await import(`${base}/_stoa/live.js`);
      return new Promise((told) => { subscribe('/User/?sort=id&select=name', (users) => told(users.map(({ name }) => name))); });
    }, calendar.base);
    assert.equal(names.length, 8);
    assert.equal(names[0], 'Maya Thompson');
  } finally {
    await calendar.end();
  }
}

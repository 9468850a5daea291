// Opens the docs of a running storefront in a real browser and uses them: node docs.mjs http://127.0.0.1:PORT [FOLDER]
// Ends with 1 and the reason at the first surprise. With a folder, pictures are kept there.
import assert from 'node:assert/strict';
import puppeteer from 'puppeteer-core';

const [base, pictures] = process.argv.slice(2);
const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
});

try {
  await opensAndSends(await opened('#Product/listProduct'));
  await showsWhatIsWrong(await opened('#CartItem/createCartItem'));
  await followsTheKeyboard(await opened(''));
  await fitsAPhone(await opened('#Product/patchProduct', { width: 390, height: 844, isMobile: true, hasTouch: true }));
  await explainsProblems(await opened('', undefined, '/_stoa/problems/validation'));
} finally {
  await browser.close();
}

/** A page of the server that ends the test if it asks anyone else for anything, or complains. */
async function opened(fragment, viewport = { width: 1280, height: 900 }, path = '/_stoa/docs') {
  const page = await browser.newPage();
  page.setDefaultTimeout(20_000);
  await page.setViewport(viewport);
  page.on('request', (request) => assert.ok(request.url().startsWith(`${base}/`) || request.url() === 'data:,', request.url()));
  page.on('pageerror', (error) => assert.fail(error));
  page.on('console', (message) => {
    // The browser itself notes each answer of 400 and above.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) assert.fail(message.text());
  });
  const answer = await page.goto(base + path + fragment, { waitUntil: 'networkidle0' });
  assert.ok([200, 304].includes(answer.status()));
  assert.match(answer.headers()['content-security-policy'], /default-src 'none'/);
  return page;
}

async function kept(page, name) {
  if (pictures) await page.screenshot({ path: `${pictures}/${name}.png` });
}

/** Fills in a field by its label. */
async function fill(page, operation, name, text) {
  await page.locator(`#${operation} [id$="-${name}"]`).fill(text);
}

async function sentFrom(page, operation) {
  await page.locator(`#${operation} button.send`).click();
  const status = await page.locator(`#${operation} .result .status`).waitHandle();
  return [await status.evaluate((node) => node.textContent), await page.$eval(`#${operation} .result .body`, (node) => node.textContent)];
}

async function opensAndSends(page) {
  await page.$eval('#listProduct details.group:nth-of-type(2)', (group) => { group.open = true; });
  await fill(page, 'listProduct', 'limit', '1');
  await fill(page, 'listProduct', 'sort', '-price');
  await fill(page, 'listProduct', 'categoryId', 'in=(books,electronics)');
  await fill(page, 'listProduct', 'name', 'a&b(');
  const url = await page.$eval('#listProduct .url', (input) => input.value);
  const [path, query] = url.split('?');
  assert.equal(path, '/Product/');
  assert.deepEqual(query.split('&').toSorted(), ['categoryId=in=(books,electronics)', 'limit=1', 'name=a%26b%28', 'sort=-price']);
  await fill(page, 'listProduct', 'name', 'ct=e');
  const [status, body] = await sentFrom(page, 'listProduct');
  assert.equal(status, '200 OK');
  assert.equal(JSON.parse(body).length, 1);
  await kept(page, 'list');
}

async function showsWhatIsWrong(page) {
  assert.equal((await sentFrom(page, 'createCartItem'))[0], '201 Created');
  await page.locator('#createCartItem textarea').fill('{"quantity":"2"}');
  await page.locator('#createCartItem button.send').click();
  await page.waitForFunction(() => document.querySelector('#createCartItem .result .status')?.textContent.startsWith('422'));
  assert.equal(await page.$eval('#createCartItem .result a', (link) => link.getAttribute('href')), '/_stoa/problems/validation');
  await kept(page, 'create');
}

async function followsTheKeyboard(page) {
  await page.keyboard.press('/');
  await page.keyboard.type('quantity');
  assert.deepEqual(await page.$$eval('nav a', (links) => links.map((link) => link.textContent)), ['Product', 'CartItem', 'OrderLine']);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.querySelector('h2')?.textContent === 'CartItem');
}

async function fitsAPhone(page) {
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= 390, `the page is ${width} pixels wide`);
  await kept(page, 'phone');
}

async function explainsProblems(page) {
  assert.equal(await page.$eval('h2', (title) => title.textContent), 'The content is not valid');
  await kept(page, 'problem');
}

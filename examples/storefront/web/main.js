// The page of the shop: goods with their stock as it is now, a cart, and a purchase that is done once and as a whole, or not at all.

import { subscribe } from '/_stoa/live.js';

const FEW = 5;
const HUES = { electronics: 250, 'electronics-123': 200, home: 55, kitchen: 25, books: 320, outdoors: 145 };
const money = new Intl.NumberFormat(undefined, { style: 'currency', currency: 'EUR' });
const at = (id) => document.getElementById(id);

/** A cart belongs to this browser. */
const session = (localStorage.session ??= crypto.randomUUID());
const products = new Map();
const categories = new Map();
const lines = new Map();
const cards = new Map();
let shelf = new URLSearchParams(location.search).get('shelf') ?? '';
/** The purchase under way: its key makes it safe to send again. */
let purchase;

follow('/Category/?sort=name', categories, drawShelves);
follow('/Product/?sort=name', products, drawProducts, showStatus);
follow(`/CartItem/?sessionId=${session}&sort=addedAt`, lines, drawCart);

/** Keeps a map as the records of a path are; without live updates as they were when the page opened. */
function follow(path, records, draw, onStatus) {
  const take = (all, changed = new Set()) => {
    records.clear();
    for (const record of all) records.set(record.id, record);
    draw(changed);
  };
  let shown = false;
  subscribe(path, (all, change) => {
    take(all, new Set(shown ? change.put : []));
    shown = true;
  }, {
    onStatus: async (status) => {
      onStatus?.(status);
      if (status !== 'offline' || shown) return;
      const answer = await fetch(path).catch(() => undefined);
      if (answer?.ok && !shown) take(await answer.json());
    },
    onError: (problem) => tell(problem.detail),
  });
}

function showStatus(status) {
  at('status').dataset.status = status;
  at('status').textContent = { connecting: 'Connecting', live: 'Live', offline: 'Offline' }[status];
  at('offline').hidden = status !== 'offline';
}

// The goods

function drawShelves() {
  const all = [['', 'Everything'], ...[...categories.values()].map(({ id, name }) => [id, name])];
  const known = new Map([...at('shelves').children].map((button) => [button.value, button]));
  at('shelves').replaceChildren(...all.map(([id, name]) => {
    const button = known.get(id) ?? element('button', { type: 'button', value: id });
    button.textContent = name;
    button.setAttribute('aria-pressed', String(id === shelf));
    return button;
  }));
  at('shelf').textContent = categories.get(shelf)?.name ?? 'Everything';
  at('about').textContent = categories.get(shelf)?.description ?? '';
}

at('shelves').addEventListener('click', ({ target }) => {
  if (target.localName !== 'button') return;
  shelf = target.value;
  history.replaceState(null, '', shelf ? `?shelf=${encodeURIComponent(shelf)}` : location.pathname);
  drawShelves();
  choose();
});
at('search').addEventListener('input', choose);

function drawProducts(changed) {
  for (const product of products.values()) {
    const card = cards.get(product.id) ?? cardOf(product);
    cards.set(product.id, card);
    const { price, stockQuantity: stock } = product;
    card.name.textContent = product.name;
    card.description.textContent = product.description ?? '';
    const marked = changed.has(product.id);
    set(card.price, money.format(price), marked);
    set(card.stock, stock > FEW ? `${stock} in stock` : stock > 0 ? `Only ${stock} left` : 'Sold out', marked);
    card.stock.parentElement.toggleAttribute('data-few', stock > 0 && stock <= FEW);
    card.stock.parentElement.toggleAttribute('data-none', !(stock > 0));
    card.node.toggleAttribute('data-sold-out', !(stock > 0));
    card.button.disabled = !(stock > 0);
  }
  for (const [id, card] of cards) {
    if (products.has(id)) continue;
    card.node.remove();
    cards.delete(id);
  }
  choose();
  drawCart();
}

/** Puts a text in its place, and marks it for a moment if it is another than before. */
function set(node, text, marked) {
  if (node.textContent === text) return;
  const before = node.textContent;
  node.textContent = text;
  if (!marked || !before) return;
  node.classList.remove('changed');
  void node.offsetWidth;
  node.classList.add('changed');
}

function cardOf({ id, name, categoryId }) {
  const card = { name: element('h3'), description: element('p'), price: element('span'), stock: element('span') };
  card.button = element('button', { type: 'button', textContent: 'Add', value: id });
  card.button.setAttribute('aria-label', `Add ${name} to the cart`);
  const art = element('div', { className: 'art' }, picture(id));
  art.style.setProperty('--hue', HUES[categoryId] ?? 60);
  card.node = element('li', { className: 'product', id: `product-${id}` },
    art,
    element('div', { className: 'words' }, card.name, card.description),
    element('div', { className: 'figures' },
      element('p', { className: 'price' }, card.price), element('p', { className: 'stock' }, card.stock), card.button));
  at('products').append(card.node);
  return card;
}

function picture(id) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', `pictures.svg#${id}`);
  svg.append(use);
  return svg;
}

/** Shows the goods of the shelf that match the search. */
function choose() {
  const wanted = at('search').value.trim().toLocaleLowerCase();
  let some = false;
  for (const [id, { node }] of cards) {
    const { name, description, categoryId } = products.get(id);
    const matches = (!shelf || categoryId === shelf) && `${name} ${description}`.toLocaleLowerCase().includes(wanted);
    node.hidden = !matches;
    some ||= matches;
  }
  at('nothing').hidden = some || cards.size === 0;
}

at('products').addEventListener('click', async ({ target }) => {
  const product = products.get(target.closest('button')?.value);
  if (!product) return;
  // Merged into the line that is there: two clicks at once make two pieces of one line.
  const line = { sessionId: session, productId: product.id, quantity: { __op__: 'add', value: 1 } };
  const added = await send('POST', '/CartItem/', line, { Prefer: 'resolution=merge-duplicates' });
  if (added.ok) say(`${product.name} is in your cart`);
  else tell(quantityProblem(added, product));
});

// The cart

function drawCart() {
  const known = new Map([...at('lines').children].map((node) => [node.dataset.id, node]));
  let [total, pieces] = [0, 0];
  const nodes = [...lines.values()].flatMap((line) => {
    const product = products.get(line.productId);
    if (!product) return [];
    const node = known.get(line.id) ?? lineOf(line, product);
    total += line.quantity * product.price;
    pieces += line.quantity;
    set(node.querySelector('output'), String(line.quantity));
    set(node.querySelector('.sum'), money.format(line.quantity * product.price));
    return [node];
  });
  if (nodes.length !== known.size || nodes.some((node) => !known.has(node.dataset.id))) {
    const focused = document.activeElement;
    at('lines').replaceChildren(...nodes);
    if (focused?.isConnected === false) at('cart-title').focus();
    else if (focused && at('lines').contains(focused)) focused.focus();
  }
  set(at('total'), money.format(total));
  at('empty').hidden = nodes.length > 0;
  at('buy').hidden = nodes.length === 0;
  document.querySelector('#open-cart .count').textContent = pieces;
}

function lineOf(line, product) {
  const button = (action, text, label) => {
    const made = element('button', { type: 'button', textContent: text, value: action, className: action === 'remove' ? 'quiet' : '' });
    made.setAttribute('aria-label', `${label} ${product.name}`);
    return made;
  };
  const node = element('li', { className: 'line' },
    element('span', { className: 'name', textContent: product.name }), element('span', { className: 'sum' }),
    element('div', { className: 'stepper' }, button('less', '−', 'One less of'), element('output'), button('more', '+', 'One more of'),
      button('remove', 'Remove', 'Remove')));
  node.querySelector('.stepper').style.gridColumn = '1 / -1';
  node.dataset.id = line.id;
  return node;
}

at('lines').addEventListener('click', async ({ target }) => {
  const line = lines.get(target.closest('.line')?.dataset.id);
  const action = target.closest('button')?.value;
  if (!line || !action) return;
  const path = `/CartItem/${line.id}`;
  const gone = action === 'remove' || (action === 'less' && line.quantity === 1);
  const step = { quantity: { __op__: 'add', value: action === 'more' ? 1 : -1 } };
  const answer = gone ? await send('DELETE', path) : await send('PATCH', path, step);
  if (!answer.ok && answer.status !== 404) tell(quantityProblem(answer, products.get(line.productId)));
  else tell('');
});

/** All of it in one commit: the order, its lines, what they take from the stock, and the empty cart. */
at('buy').addEventListener('submit', async (event) => {
  event.preventDefault();
  const bought = [...lines.values()].filter(({ productId }) => products.has(productId));
  const operations = [
    { method: 'POST', path: '/Order/', body: { sessionId: session, email: at('email').value } },
    ...bought.flatMap(({ productId, quantity }) => [
      { method: 'POST', path: '/OrderLine/', body: { orderId: { $ref: 0 }, productId, quantity, price: products.get(productId).price } },
      { method: 'PATCH', path: `/Product/${productId}`, body: { stockQuantity: { __op__: 'add', value: -quantity } } },
    ]),
    { method: 'DELETE', path: `/CartItem/?sessionId=${session}` },
  ];
  const body = JSON.stringify({ operations });
  // A purchase whose answer was lost keeps its key: sent again, it is the same one.
  if (purchase?.body !== body) purchase = { body, key: crypto.randomUUID() };
  const button = at('buy').querySelector('button');
  button.disabled = true;
  const answer = await send('POST', '/_stoa/commit', body, { 'Idempotency-Key': purchase.key });
  button.disabled = false;
  if (answer.ok) {
    purchase = undefined;
    tell('');
    say('Thank you! Your order is on its way.');
    closeCart();
  } else if (answer.problem?.type.endsWith('/insufficient')) {
    purchase = undefined;
    soldOut(bought[Math.floor((answer.problem.index - 1) / 2)], answer.problem.available);
  } else {
    if (answer.status) purchase = undefined;
    tell(answer.problem?.detail ?? 'There is no connection. Nothing is lost: press Buy again, and you will be charged once.');
  }
});

/** Somebody was faster. */
function soldOut(line, left) {
  const { name } = products.get(line.productId);
  const [words, offer] = left > 0
    ? [`Somebody was faster: only ${left} of “${name}” ${left === 1 ? 'is' : 'are'} left. Nothing was bought.`, `Take ${left}`]
    : [`Somebody was faster: “${name}” has just sold out. Nothing was bought.`, 'Buy the rest without it'];
  const accept = element('button', { type: 'button', textContent: offer });
  accept.addEventListener('click', async () => {
    const path = `/CartItem/${line.id}`;
    await (left > 0 ? send('PATCH', path, { quantity: left }) : send('DELETE', path));
    tell('');
    at('email').focus();
  });
  tell(words, accept);
}

function quantityProblem({ problem }, { name, stockQuantity }) {
  if (!problem) return 'There is no connection. Please try again.';
  if (problem.status === 409 || problem.type.endsWith('/validation')) {
    return stockQuantity > 0 ? `There are no more than ${stockQuantity} of “${name}”.` : `“${name}” has just sold out.`;
  }
  return problem.detail;
}

// A dialog where there is no room beside the goods

const narrow = matchMedia('(max-width: 60rem)');
narrow.addEventListener('change', closeCart);
closeCart();
at('open-cart').addEventListener('click', () => at('cart').showModal());
at('close-cart').addEventListener('click', closeCart);
at('cart').addEventListener('click', ({ target }) => {
  if (narrow.matches && target === at('cart')) closeCart();
});

function closeCart() {
  if (at('cart').open && (narrow.matches || at('cart').matches(':modal'))) at('cart').close();
  at('cart').toggleAttribute('open', !narrow.matches);
}

// What all of it needs

/** Sends a request; without an answer its status is 0. */
async function send(method, path, body, headers = {}) {
  try {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const answer = await fetch(path, { method, body: text, headers: body ? { 'Content-Type': 'application/json', ...headers } : headers });
    if (answer.ok) refresh();
    return { ok: answer.ok, status: answer.status, problem: answer.ok ? undefined : await answer.json() };
  } catch {
    return { ok: false, status: 0 };
  }
}

/** Without live updates the page looks itself. */
async function refresh() {
  if (at('status').dataset.status === 'live') return;
  const read = async (path, records, draw) => {
    const all = await (await fetch(path)).json();
    records.clear();
    for (const record of all) records.set(record.id, record);
    draw(new Set(records.keys()));
  };
  await read('/Product/?sort=name', products, drawProducts);
  await read(`/CartItem/?sessionId=${session}&sort=addedAt`, lines, drawCart);
}

let silence;
function say(text) {
  at('toast').textContent = text;
  clearTimeout(silence);
  silence = setTimeout(() => { at('toast').textContent = ''; }, 4000);
}

/** Says what went wrong, beside the cart or over the goods. */
function tell(text, ...more) {
  at('told').replaceChildren(...(text ? [text, ...more] : []));
  if (text && !at('cart').open) say(text);
}

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

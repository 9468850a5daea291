// The page: one table at a time, chosen by the address's fragment (`#Product`, `#Product/listProduct`).

import { element, line, paragraphs } from './text.js';
import { form } from './form.js';
import { nullable, resolved, words } from './schema.js';

const METHODS = ['get', 'post', 'put', 'patch', 'delete', 'head', 'options'];
const content = document.getElementById('content');
const tables = document.getElementById('tables');
const find = document.getElementById('find');

start();

async function start() {
  try {
    const answer = await fetch('/openapi.json');
    if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
    const api = await answer.json();
    const show = () => page(api, decodeURIComponent(location.hash.slice(1)));
    addEventListener('hashchange', show);
    find.addEventListener('input', () => menu(api));
    document.addEventListener('keydown', slash);
    show();
  } catch (error) {
    content.replaceChildren(element('p', { textContent: `/openapi.json cannot be read: ${error.message}` }));
  }
}

/** `/` goes to the search, as in many places. */
function slash(event) {
  if (event.key !== '/' || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
  event.preventDefault();
  find.focus();
}

function page(api, fragment) {
  const [wanted, open] = fragment.split('/');
  const tag = api.tags.find(({ name }) => name === wanted) ?? api.tags[0];
  menu(api, tag);
  const operations = operationsOf(api, tag);
  const plain = operations.filter(({ usual }) => usual);
  const more = operations.filter(({ usual }) => !usual);
  content.replaceChildren(
    element('h2', { textContent: tag.name }),
    ...paragraphs(tag.description),
    attributes(api, tag.name),
    element('h3', { textContent: 'Requests' }),
    ...plain.map((each) => operationNode(api, each, open)),
    more.length ? moreNode(api, more, open) : '',
    tag === api.tags[0] ? about(api) : '',
  );
  document.title = `${tag.name}: Stoa`;
  const summary = open && content.querySelector('details.operation[open] > summary');
  if (!summary) return scrollTo(0, 0);
  summary.focus({ preventScroll: true });
  summary.scrollIntoView();
}

function menu(api, current = api.tags.find(({ name }) => name === tables.dataset.current)) {
  tables.dataset.current = current?.name ?? '';
  const wanted = find.value.trim().toLowerCase();
  const shown = api.tags.filter(({ name }) => [name, ...Object.keys(propertiesOf(api, name))].some((text) => text.toLowerCase().includes(wanted)));
  tables.replaceChildren(...shown.map(({ name }) => element('a', {
    href: `#${encodeURIComponent(name)}`, textContent: name, 'aria-current': name === current?.name && 'page',
  })));
}

function propertiesOf(api, name) {
  return api.components.schemas[name]?.properties ?? {};
}

/** The operations of a table, the usual ones first: HEAD, OPTIONS and what a second path takes as well stand apart. */
function operationsOf(api, tag) {
  return Object.entries(api.paths).flatMap(([path, item]) => METHODS.filter((method) => item[method]?.tags[0] === tag.name).map((method) => {
    const twin = !path.endsWith('/') && api.paths[`${path}/`] && method !== 'get';
    return { path, method: method.toUpperCase(), operation: item[method], shared: item.parameters ?? [],
             usual: !twin && !['head', 'options'].includes(method) };
  }));
}

function operationNode(api, { path, method, operation, shared }, open) {
  const summary = element(
    'summary', {},
    element('span', { className: `method ${method}`, textContent: method }),
    element('span', { className: 'path', textContent: path }),
    element('span', { className: 'about', textContent: operation.summary }),
  );
  const node = element('details', { className: 'operation', id: operation.operationId }, summary);
  const fill = () => {
    if (node.open && node.children.length === 1) node.append(element('div', { className: 'inside' }, form(api, path, method, operation, shared)));
  };
  node.addEventListener('toggle', fill);
  node.open = operation.operationId === open;
  fill();
  return node;
}

function moreNode(api, operations, open) {
  const nodes = operations.map((each) => operationNode(api, each, open));
  return element('details', { className: 'more', open: nodes.some((node) => node.open) },
    element('summary', { textContent: 'HEAD, OPTIONS and other paths for the same' }), ...nodes);
}

function attributes(api, name) {
  const stored = api.components.schemas[name];
  if (!stored) return '';
  const selected = propertiesOf(api, `${name}.selected`);
  const relations = Object.entries(selected).filter(([key]) => !(key in stored.properties));
  const row = ([key, schema], relation) => element('tr', {},
    element('td', {}, element('code', { textContent: key })),
    element('td', { textContent: words(api, schema) + (nullable(schema) || relation ? '' : ', never null') }),
    element('td', {}, ...(relation ? [`related; shown by select=${key}`] : note(schema))));
  const head = element('thead', {}, element('tr', {}, ...['Attribute', 'Type', ''].map((text) => element('th', { textContent: text }))));
  return element('table', {}, head, element('tbody', {},
    ...Object.entries(stored.properties).map((each) => row(each, false)), ...relations.map((each) => row(each, true))));
}

function note(schema) {
  return [...line(schema.description ?? ''), schema.readOnly ? ' Set by the server.' : ''];
}

function about(api) {
  return element('section', {}, element('h3', { textContent: 'About all of them' }), ...paragraphs(resolved(api, api.info).description));
}

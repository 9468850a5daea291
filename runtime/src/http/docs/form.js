// One operation: a form that makes a request, sends it and shows the answer.

import { element, indented, line, paragraphs } from './text.js';
import { resolved, sample } from './schema.js';

const GROUPS = [
  ['path', 'Path', true],
  ['control', 'What is shown', false],
  ['filter', 'Conditions', false],
  ['header', 'Headers', false],
];

/** Headers that a browser sets itself, whatever a page says. */
const OF_THE_BROWSER = ['Accept-Encoding'];

/** The form of an operation; `shared` are the parameters of its path. */
export function form(api, path, method, operation, shared) {
  const parameters = [...shared, ...(operation.parameters ?? [])].map((each) => resolved(api, each));
  const settable = parameters.filter(({ name }) => !OF_THE_BROWSER.includes(name));
  const fields = settable.map((parameter) => field(operation.operationId, parameter));
  const body = operation.requestBody && bodyEditor(api, operation, method);
  const url = element('input', { className: 'url', spellcheck: false, 'aria-label': 'Path and query of the request' });
  const send = element('button', { className: 'send', textContent: `Send ${method}` });
  const copy = element('button', { type: 'button', textContent: 'Copy as curl' });
  const result = element('div', { className: 'result', 'aria-live': 'polite' });
  const made = element(
    'form', {},
    ...paragraphs(operation.description),
    ...GROUPS.map(([kind, title, open]) => group(title, fields.filter((each) => each.kind === kind), open || (kind === 'control' && method === 'GET'))),
    body?.node,
    element('div', { className: 'line' }, url),
    element('div', { className: 'line' }, send, copy),
    result,
    answers(api, operation),
  );
  const refresh = () => { url.value = address(path, fields); };
  const request = () => ({ method, url: url.value, headers: headers(fields, body), body: body?.text.value });
  made.addEventListener('input', (event) => { if (event.target !== url) refresh(); });
  made.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) made.requestSubmit();
  });
  made.addEventListener('submit', async (event) => {
    event.preventDefault();
    send.disabled = true;
    result.replaceChildren(...(await sent(request())));
    send.disabled = false;
  });
  copy.addEventListener('click', async () => {
    const text = curl(request());
    try {
      await navigator.clipboard.writeText(text);
      copy.textContent = 'Copied';
      setTimeout(() => { copy.textContent = 'Copy as curl'; }, 1500);
    } catch {
      result.replaceChildren(element('pre', { textContent: text }));
    }
  });
  refresh();
  return made;
}

function field(operation, parameter) {
  const id = `${operation}-${parameter.in}-${parameter.name}`;
  const examples = parameter.examples ? Object.values(parameter.examples).map((each) => each.value) : [parameter.example];
  const known = parameter.schema?.enum;
  const input = known
    ? element('select', { id }, ...known.map((name) => element('option', { textContent: name })))
    : element('input', { id, spellcheck: false, autocomplete: 'off', placeholder: examples.filter((each) => each !== undefined).join('   '),
                         required: parameter.required });
  const kind = parameter.in === 'query' && parameter.examples ? 'filter' : parameter.in === 'query' ? 'control' : parameter.in;
  const about = kind === 'filter' ? parameter.description.split('Condition: ')[0] : parameter.description;
  const node = element(
    'div', { className: 'field' },
    element('label', { htmlFor: id, textContent: parameter.name }), input,
    about ? element('span', { className: 'soft' }, ...line(about)) : null,
  );
  return { parameter, kind, input, node };
}

function group(title, fields, open) {
  if (!fields.length) return null;
  const hint = title === 'Conditions'
    ? element('p', { className: 'soft' }, ...line('A value, or an operator and a value: `ne=` `lt=` `le=` `gt=` `ge=` `sw=` `ew=` `ct=` `in=(a,b)` `between=(a,b)`; `null` is absent. All must hold.'))
    : null;
  return element('details', { className: 'group', open }, element('summary', { textContent: title }), hint,
    element('div', { className: 'fields' }, ...fields.map((each) => each.node)));
}

function bodyEditor(api, operation, method) {
  const types = Object.entries(operation.requestBody.content);
  const select = element('select', { 'aria-label': 'Format of the body' }, ...types.map(([type]) => element('option', { textContent: type })));
  const text = element('textarea', { spellcheck: false, 'aria-label': 'Body of the request',
    value: JSON.stringify(sample(api, types[0][1].schema, method), null, 2) });
  const node = element('div', {}, element('div', { className: 'line' }, element('span', { className: 'soft', textContent: 'Body' }), select), text);
  return { node, text, type: () => select.value };
}

function answers(api, operation) {
  const list = Object.entries(operation.responses).flatMap(([status, response]) => [
    element('dt', { textContent: status }),
    element('dd', {}, ...paragraphs(resolved(api, response).description)),
  ]);
  return element('details', { className: 'group' }, element('summary', { textContent: 'Answers' }), element('dl', { className: 'answers' }, ...list));
}

function address(path, fields) {
  const given = fields.filter(({ input }) => input.value !== '');
  const filled = given.filter(({ kind }) => kind === 'path').reduce(
    (url, { parameter, input }) => url.replace(`{${parameter.name}}`, segment(input.value)), path);
  const query = given.filter(({ parameter }) => parameter.in === 'query')
    .map((each) => `${encodeURIComponent(each.parameter.name)}=${queried(each)}`);
  return filled + (query.length ? `?${query.join('&')}` : '');
}

/** Dots too: one in an id could be taken for `.attribute`. */
function segment(value) {
  return encodeURIComponent(value).replace(/[.!'()*]/g, escaped);
}

/** Structure counts only where it is not percent-encoded: an operator and what belongs to it stay as they are. */
function queried({ parameter, kind, input }) {
  const text = encodeURIComponent(input.value);
  if (!parameter.allowReserved) return text;
  const structured = kind === 'control' || /^([a-z_]+=|[=!]=?)/.test(input.value);
  return structured ? text.replace(/%(3D|2C|3A|7B|7D|5B|5D)/g, decodeURIComponent) : text.replace(/[!'()*]/g, escaped);
}

function escaped(character) {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

function headers(fields, body) {
  const given = fields.filter(({ kind, input }) => kind === 'header' && input.value !== '');
  const all = given.map(({ parameter, input }) => [parameter.name, input.value]);
  return body ? [['Content-Type', body.type()], ...all] : all;
}

async function sent({ method, url, headers, body }) {
  const began = performance.now();
  try {
    const answer = await fetch(url, { method, headers, body, cache: 'no-store' });
    const text = await answer.text();
    const took = Math.round(performance.now() - began);
    const json = /json/.test(answer.headers.get('content-type') ?? '');
    const lines = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join('\n');
    const about = json && !answer.ok ? explained(text) : null;
    return [
      element('div', { className: 'line' },
        element('span', { className: `status ${answer.status < 400 ? 'good' : 'bad'}`, textContent: `${answer.status} ${answer.statusText}` }),
        element('span', { className: 'soft', textContent: `${took} ms` }), about),
      element('pre', { className: 'body', textContent: text === '' ? '(no body)' : json ? indented(text) : text }),
      element('details', { className: 'group' }, element('summary', { textContent: 'Headers of the answer' }), element('pre', { textContent: lines })),
    ];
  } catch (error) {
    return [element('p', { className: 'status bad', textContent: `The request was not answered: ${error.message}` })];
  }
}

function explained(text) {
  const type = /"type":"(\/_stoa\/problems\/[a-z-]+)"/.exec(text)?.[1];
  return type ? element('a', { href: type, textContent: 'What this means' }) : null;
}

function curl({ method, url, headers, body }) {
  const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;
  const parts = ['curl --globoff', method === 'HEAD' ? '--head' : `--request ${method}`, quoted(new URL(url, location.href).href)];
  parts.push(...headers.map(([name, value]) => `--header ${quoted(`${name}: ${value}`)}`));
  if (body !== undefined) parts.push(`--data-binary ${quoted(body)}`);
  return parts.join(' \\\n  ');
}

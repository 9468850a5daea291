// Text → nodes. Nothing is ever parsed as HTML.

/** An element with properties and children. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === false) continue;
    if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== undefined && child !== null));
  return made;
}

const MARKS = /`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]+)\]\((\/[^)\s]*)\)/g;

/** A line with `code`, **strong** and links to paths of this server. */
export function line(text) {
  const parts = [];
  let end = 0;
  for (const mark of text.matchAll(MARKS)) {
    parts.push(text.slice(end, mark.index));
    end = mark.index + mark[0].length;
    if (mark[1]) parts.push(element('code', { textContent: mark[1] }));
    else if (mark[2]) parts.push(element('strong', { textContent: mark[2] }));
    else parts.push(element('a', { href: mark[4], textContent: mark[3] }));
  }
  return [...parts, text.slice(end)];
}

/** Paragraphs, separated by empty lines. */
export function paragraphs(text) {
  return (text ?? '').split(/\n\n+/).filter(Boolean).map((each) => element('p', {}, ...line(each)));
}

/** JSON with line breaks. Numbers and texts stay as the server wrote them: no digit is lost. */
export function indented(json) {
  let out = '';
  let depth = 0;
  const fresh = () => '\n' + '  '.repeat(depth);
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[{[]\s*[}\]]|[{}[\],:]|[^\s{}[\],:"]+/g)) {
    if (token.length > 1 && /^[{[]/.test(token)) out += token[0] + token.at(-1);
    else if (token === '{' || token === '[') { depth += 1; out += token + fresh(); }
    else if (token === '}' || token === ']') { depth -= 1; out += fresh() + token; }
    else if (token === ',') out += token + fresh();
    else out += token === ':' ? ': ' : token;
  }
  return out;
}

// The document's schemas → words and examples.

/** Follows references; the parts of allOf become one. */
export function resolved(api, schema) {
  if (schema?.$ref) {
    return resolved(api, schema.$ref.slice(2).split('/').reduce((at, name) => at[name.replaceAll('~1', '/')], api));
  }
  if (!schema?.allOf) return schema ?? {};
  const parts = schema.allOf.map((part) => resolved(api, part));
  return {
    ...parts[0],
    properties: Object.assign({}, ...parts.toReversed().map((part) => part.properties)),
    required: parts.flatMap((part) => part.required ?? []),
  };
}

/** A type in words: `text`, `integer (int64)`, `list of text`. */
export function words(api, schema) {
  const it = resolved(api, schema);
  if (schema?.$ref) return schema.$ref.split('/').at(-1).replace('.selected', '');
  const names = { string: 'text', boolean: 'true or false' };
  const types = [it.type ?? []].flat().filter((type) => type !== 'null');
  if (types[0] === 'array') return `list of ${words(api, it.items)}`;
  if (it.anyOf && !types.length) return words(api, it.anyOf[0]);
  const format = it.format ?? it.contentEncoding ?? (it.anyOf ? 'date or date-time' : undefined);
  return (names[types[0]] ?? types[0] ?? 'any value') + (format ? ` (${format})` : '');
}

/** Whether null is a value of it. */
export function nullable(schema) {
  return [schema.type].flat().includes('null') || (schema.anyOf ?? []).some((part) => part.type === 'null');
}

/** An example of a body: of a change, an operator and one value; of a record, everything that a client may set. */
export function sample(api, schema, method) {
  const it = resolved(api, schema);
  if (it.examples) return it.examples[0];
  const choices = it.oneOf ?? (it.type ? undefined : it.anyOf);
  if (choices) return sample(api, choices[0], method);
  if (!it.properties) return value(api, it);
  const settable = Object.entries(it.properties).filter(([, part]) => part.type || part.oneOf || part.$ref);
  const needed = new Set(it.required ?? []);
  const named = settable.filter(([name, part]) => needed.has(name) || !part.description?.startsWith('Identifies'));
  if (method !== 'PATCH') return Object.fromEntries(named.map(([name, part]) => [name, value(api, part, name)]));
  const operator = named.find(([, part]) => part.oneOf);
  const plain = named.find(([, part]) => !part.oneOf);
  const applied = operator ? { [operator[0]]: value(api, operator[1].oneOf[1]) } : {};
  return { ...(plain ? { [plain[0]]: value(api, plain[1], plain[0]) } : {}), ...applied };
}

function value(api, schema, name = '') {
  const it = resolved(api, schema);
  if (it.oneOf) return value(api, it.oneOf[0], name);
  if (it.const !== undefined) return it.const;
  if (it.enum) return it.enum[0];
  const type = [it.type].flat().find((each) => each !== 'null');
  if (type === 'object') {
    return Object.fromEntries(Object.entries(it.properties ?? {}).map(([key, part]) => [key, value(api, part, key)]));
  }
  if (type === 'array') return [value(api, it.items)];
  if (type === 'integer') return 1;
  if (type === 'number') return 9.5;
  if (type === 'boolean') return true;
  if (it.format === 'date-time' || it.anyOf || /(time|at)$/i.test(name)) return '2026-01-31T09:00:00Z';
  return it.contentEncoding ? 'AAEC' : 'text';
}

// The week of one person: their meetings as they are now, wherever and by whomever they are changed.

import { subscribe } from '/_stoa/live.js';

const LENGTHS = [[15, '15 min'], [30, '30 min'], [45, '45 min'], [60, '1 hour'], [90, '1½ hours'], [120, '2 hours'], [240, '4 hours']];
const DAY_MS = 86_400_000;
const WORDS = { confirmed: 'Confirmed', tentative: 'Tentative', cancelled: 'Cancelled', declined: 'Declined' };
const at = (id) => document.getElementById(id);
const shown = (options) => new Intl.DateTimeFormat(undefined, options);
const time = shown({ hour: 'numeric', minute: '2-digit' });
const hour = shown({ hour: 'numeric' });
const weekday = shown({ weekday: 'short' });
const longDay = shown({ weekday: 'long', day: 'numeric', month: 'long' });
const range = shown({ day: 'numeric', month: 'long', year: 'numeric' });

const asked = new URLSearchParams(location.search);
const people = new Map();
const events = new Map();
let person = asked.get('person') ?? 'user123';
let monday = asked.has('week') ? mondayOf(new Date(`${asked.get('week')}T00:00`)) : undefined;
let stop = () => {};
/** The hours that are shown. */
let hours = { first: 8, last: 18 };
/** The meeting that is open, and the tag of what was read of it. */
let open;
/** The meeting that is moved; a new one if none. */
let moved;

subscribe('/User/?sort=name', (all) => {
  people.clear();
  for (const user of all) people.set(user.id, user);
  showPeople();
}, { onStatus: (status) => status === 'offline' && people.size === 0 && readOnce('/User/?sort=name', people, showPeople) });
follow();

/** Follows the meetings that the person organises or attends: all events that refer to them. */
function follow() {
  stop();
  events.clear();
  let first = true;
  stop = subscribe(`/Event/${encodeURIComponent(person)}`, (all, change) => {
    events.clear();
    for (const event of all) events.set(event.id, event);
    monday ??= nearestWeek();
    draw(first ? new Set() : new Set(change.put));
    first = false;
  }, {
    onStatus: (status) => {
      at('status').dataset.status = status;
      at('status').textContent = { connecting: 'Connecting', live: 'Live', offline: 'Offline' }[status];
      at('offline').hidden = status !== 'offline';
      if (status === 'offline' && first) readEvents();
    },
    onError: (problem) => say(problem.detail),
  });
}

function readEvents() {
  return readOnce(`/Event/?(organizerId=${person}|attendeeIds=${person})`, events, () => {
    monday ??= nearestWeek();
    draw();
  });
}

/** Without live updates: the records as they are now. */
async function readOnce(path, records, then) {
  const answer = await fetch(path).catch(() => undefined);
  if (!answer?.ok) return;
  records.clear();
  for (const record of await answer.json()) records.set(record.id, record);
  then();
}

// The week

function mondayOf(date) {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() - ((date.getDay() + 6) % 7));
}

function dayAfter(date, days) {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + days);
}

/** This week, or the one with the meeting nearest to it. */
function nearestWeek() {
  const away = ({ startTime }) => Math.abs(Date.parse(startTime) - Date.now());
  const [nearest] = [...events.values()].toSorted((one, other) => away(one) - away(other));
  return mondayOf(nearest ? new Date(nearest.startTime) : new Date());
}

function showPeople() {
  const options = [...people.values()].map(({ id, name }) => element('option', { value: id, textContent: name }));
  at('person').replaceChildren(...options);
  at('person').value = person;
  draw();
}

/** Minutes since a midnight, on the clock of the wall. */
function minutes(date, midnight) {
  return date < midnight ? 0 : date >= dayAfter(midnight, 1) ? 1440 : date.getHours() * 60 + date.getMinutes();
}

/** How far below midnight a minute stands, in rem: the hours when few work take less room. */
function placeOf(minute) {
  const [night, day] = [1.5, 3.3];
  const [dawn, dusk] = [8 * 60, 20 * 60];
  const light = Math.min(Math.max(minute, dawn), dusk) - dawn;
  return (light * day + (minute - light) * night) / 60;
}

/** The part of each meeting that lies in a day, in order; those at the same time side by side. */
function partsOf(midnight) {
  const end = dayAfter(midnight, 1);
  const parts = [...events.values()].flatMap((event) => {
    const [from, to] = [new Date(event.startTime), new Date(event.endTime)];
    return from < end && to > midnight ? [{ event, from: minutes(from, midnight), to: minutes(to, midnight), lane: 0, lanes: 1 }] : [];
  });
  parts.sort((one, other) => one.from - other.from || one.to - other.to || (one.event.id < other.event.id ? -1 : 1));
  let together = [];
  for (const part of parts) {
    if (together.every(({ to }) => to <= part.from)) together = [];
    const taken = together.filter(({ to }) => to > part.from).map(({ lane }) => lane);
    while (taken.includes(part.lane)) part.lane += 1;
    together.push(part);
    const lanes = Math.max(...together.map(({ lane }) => lane)) + 1;
    for (const each of together) each.lanes = lanes;
  }
  return parts;
}

function draw(changed = new Set()) {
  if (!monday) return;
  const days = [0, 1, 2, 3, 4, 5, 6].map((day) => dayAfter(monday, day));
  const parts = days.map(partsOf);
  const all = parts.flat();
  const first = Math.min(8, ...all.map(({ from }) => Math.floor(from / 60)));
  const last = Math.max(18, ...all.map(({ to }) => Math.ceil(to / 60)));
  const week = at('week');
  hours = { first, last };
  week.style.setProperty('--height', placeOf(last * 60) - placeOf(first * 60));
  const scale = element('div', { className: 'hours', ariaHidden: 'true' }, ...Array.from({ length: last - first }, (_, after) => {
    const line = element('span', { textContent: hour.format(new Date(2024, 0, 1, first + after)) });
    line.style.height = `${placeOf((first + after + 1) * 60) - placeOf((first + after) * 60)}rem`;
    return line;
  }));
  const focused = document.activeElement?.closest?.('#week .event')?.value;
  week.replaceChildren(scale, ...days.map((day, index) => sectionOf(day, parts[index], changed)));
  if (focused) [...week.querySelectorAll('.event')].find(({ value }) => value === focused)?.focus();
  set(at('title'), range.formatRange(days[0], days[6]));
  const there = people.get(person);
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  at('zones').textContent = there ? `Times in ${zone}. For ${there.name.split(' ')[0]} it is ${timeIn(new Date(), there.timezone)}.` : '';
  if (open) showMeeting();
}

function set(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function sectionOf(day, parts, changed) {
  const list = element('ol', {}, ...parts.map((part) => element('li', {}, eventOf(part, changed.has(part.event.id)))));
  [...list.children].forEach((node, index) => {
    const { from, to, lane, lanes } = parts[index];
    const [top, bottom] = [placeOf(from), placeOf(to)];
    node.style.cssText = `--top:${top - placeOf(hours.first * 60)};--tall:${Math.max(bottom - top, 1.25)};--lane:${lane};--lanes:${lanes}`;
    node.firstChild.toggleAttribute('data-short', bottom - top < 2.4);
  });
  const title = element('h3', {}, weekday.format(day), element('b', { textContent: day.getDate() }));
  title.setAttribute('aria-label', longDay.format(day));
  const section = element('section', { className: 'day' }, title, list, element('p', { className: 'none', textContent: 'Nothing' }));
  section.toggleAttribute('data-today', day.toDateString() === new Date().toDateString());
  // A convenience for the mouse; the button above does the same for everyone.
  list.addEventListener('click', (event) => {
    if (event.target !== list) return;
    const rem = list.clientHeight / (placeOf(hours.last * 60) - placeOf(hours.first * 60));
    const halves = Array.from({ length: (hours.last - hours.first) * 2 }, (_, half) => hours.first * 60 + half * 30);
    const minute = halves.findLast((half) => (placeOf(half) - placeOf(hours.first * 60)) * rem <= event.offsetY) ?? hours.first * 60;
    plan(new Date(day.getFullYear(), day.getMonth(), day.getDate(), 0, minute));
  });
  return section;
}

function eventOf({ event }, changed) {
  const [start, end] = [new Date(event.startTime), new Date(event.endTime)];
  const others = [event.organizerId, ...(event.attendeeIds ?? [])].filter((id) => id !== person);
  const button = element('button', { type: 'button', className: changed ? 'event changed' : 'event', value: event.id },
    element('span', { textContent: time.formatRange(start, end) }),
    element('b', { textContent: event.title }),
    element('span', { textContent: others.length > 2 ? `with ${others.length} others` : others.map(firstName).join(', ') }));
  button.style.setProperty('--hue', hueOf(event.organizerId));
  button.toggleAttribute('data-open', isOpen(event));
  button.toggleAttribute('data-off', isOff(event));
  const words = [event.title, longDay.format(start), `${time.format(start)} to ${time.format(end)}`, statusOf(event)];
  button.setAttribute('aria-label', words.join(', '));
  button.setAttribute('aria-haspopup', 'dialog');
  return button;
}

const isOff = ({ status }) => status === 'cancelled' || status === 'declined';
const isOpen = (event) => !isOff(event) && event.status !== 'confirmed';
const statusOf = ({ status }) => WORDS[status] ?? 'Not accepted yet';
const nameOf = (id) => people.get(id)?.name ?? id;
const firstName = (id) => nameOf(id).split(' ')[0];
const hueOf = (id) => ([...people.keys()].indexOf(id) * 47 + 265) % 360;

function timeIn(date, timeZone) {
  try {
    return shown({ hour: 'numeric', minute: '2-digit', weekday: 'short', timeZone }).format(date);
  } catch {
    return time.format(date);
  }
}

at('week').addEventListener('click', ({ target }) => {
  const event = events.get(target.closest('.event')?.value);
  if (event) openMeeting(event.id);
});
at('person').addEventListener('change', () => {
  person = at('person').value;
  address();
  follow();
});
at('before').addEventListener('click', () => turn(dayAfter(monday, -7)));
at('after').addEventListener('click', () => turn(dayAfter(monday, 7)));
at('today').addEventListener('click', () => turn(mondayOf(new Date())));

function turn(to) {
  monday = to;
  address();
  draw();
}

function address() {
  const query = new URLSearchParams({ person, ...(monday && { week: dateText(monday) }) });
  history.replaceState(null, '', `?${query}`);
}

// One meeting

async function openMeeting(id) {
  open = { id };
  tellMeeting('');
  showMeeting();
  at('meeting').showModal();
  // What is changed is what was read: the tag says so.
  const answer = await fetch(`/Event/${encodeURIComponent(id)}`).catch(() => undefined);
  if (open?.id === id) open.tag = answer?.headers.get('ETag');
}

at('meeting').addEventListener('close', () => { open = undefined; });

function showMeeting() {
  const event = events.get(open.id);
  if (!event) return at('meeting').close();
  const [start, end] = [new Date(event.startTime), new Date(event.endTime)];
  set(at('meeting-title'), event.title);
  set(at('meeting-status'), statusOf(event));
  set(at('meeting-time'), `${longDay.format(start)}, ${time.formatRange(start, end)}`);
  at('meeting-people').replaceChildren(...[event.organizerId, ...(event.attendeeIds ?? [])].map((id) => {
    const line = element('li', {}, element('span', { textContent: nameOf(id) }),
      element('span', { textContent: people.has(id) ? timeIn(start, people.get(id).timezone) : '' }));
    line.style.setProperty('--hue', hueOf(id));
    return line;
  }));
  at('accept').hidden = !isOpen(event);
  at('cancel').hidden = isOff(event);
}

at('accept').addEventListener('click', () => change({ status: 'confirmed' }, 'Accepted'));
at('cancel').addEventListener('click', () => change({ status: 'cancelled' }, 'Cancelled'));
at('move').addEventListener('click', () => {
  const event = events.get(open.id);
  const { id, tag } = open;
  at('meeting').close();
  plan(new Date(event.startTime), { id, tag, event });
});

/** Changes the open meeting, unless somebody has changed it since it was opened. */
async function change(body, done) {
  const answer = await send('PATCH', `/Event/${encodeURIComponent(open.id)}`, body, open.tag ? { 'If-Match': open.tag } : {});
  if (answer.ok) {
    at('meeting').close();
    say(done);
  } else if (answer.status === 412) {
    open.tag = answer.problem.etag;
    tellMeeting('Somebody has just changed this meeting. Look again, then decide.');
  } else {
    tellMeeting(wordsFor(answer));
  }
}

function tellMeeting(text) {
  at('meeting-told').textContent = text;
}

// A meeting made or moved

at('edit-length').replaceChildren(...LENGTHS.map(([value, textContent]) => element('option', { value, textContent })));
at('new').addEventListener('click', () => {
  const now = new Date();
  const inWeek = monday && now >= monday && now < dayAfter(monday, 7);
  const day = inWeek || !monday ? now : monday;
  plan(new Date(day.getFullYear(), day.getMonth(), day.getDate(), inWeek ? now.getHours() + 1 : 9));
});

function plan(start, meeting) {
  moved = meeting;
  const length = meeting ? (Date.parse(meeting.event.endTime) - Date.parse(meeting.event.startTime)) / 60_000 : 30;
  if (![...at('edit-length').options].some(({ value }) => Number(value) === length)) {
    at('edit-length').append(element('option', { value: length, textContent: `${length} min` }));
  }
  set(at('edit-title'), meeting ? `Move “${meeting.event.title}”` : 'New meeting');
  at('title-label').hidden = at('guests').hidden = Boolean(meeting);
  at('edit-name').value = meeting?.event.title ?? '';
  at('edit-length').value = length;
  setTime(start);
  const guests = [...people.values()].filter(({ id }) => id !== person);
  at('guests').replaceChildren(element('legend', { textContent: 'With' }), ...guests.map(({ id, name }) =>
    element('label', {}, element('input', { type: 'checkbox', name: 'guest', value: id }), name)));
  at('form').querySelector('[type="submit"]').textContent = meeting ? 'Move' : 'Book';
  at('edit-told').replaceChildren();
  at('edit').showModal();
  (meeting ? at('edit-day') : at('edit-name')).focus();
}

function dateText(date) {
  const two = (number) => String(number).padStart(2, '0');
  return `${String(date.getFullYear()).padStart(4, '0')}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

function setTime(start) {
  at('edit-day').value = dateText(start);
  at('edit-time').value = `${String(start.getHours()).padStart(2, '0')}:${String(start.getMinutes()).padStart(2, '0')}`;
}

at('form').addEventListener('submit', async (submitted) => {
  submitted.preventDefault();
  const start = new Date(`${at('edit-day').value}T${at('edit-time').value}`);
  const end = new Date(start.getTime() + Number(at('edit-length').value) * 60_000);
  const times = { startTime: start.toISOString(), endTime: end.toISOString() };
  const guests = [...at('guests').querySelectorAll(':checked')].map(({ value }) => value);
  const booking = { title: at('edit-name').value, ...times, organizerId: person, attendeeIds: guests, status: guests.length ? 'tentative' : 'confirmed' };
  const answer = moved
    ? await send('PATCH', `/Event/${encodeURIComponent(moved.id)}`, times, moved.tag ? { 'If-Match': moved.tag } : {})
    : await send('POST', '/Event/', booking, { 'Idempotency-Key': keyOf(booking) });
  if (answer.ok) {
    at('edit').close();
    monday = mondayOf(start);
    address();
    draw();
    say(moved ? 'Moved' : 'Booked');
  } else if (answer.problem?.type.endsWith('/overlap')) {
    const { key, conflicts: [taken] } = answer.problem;
    const words = `${nameOf(key)} has another meeting from ${time.format(new Date(taken.start))} to ${time.format(new Date(taken.end))}.`;
    const everyone = moved ? [moved.event.organizerId, ...(moved.event.attendeeIds ?? [])] : [person, ...guests];
    at('edit-told').replaceChildren(words);
    const free = await nextFree(everyone, start, end, moved?.id);
    if (free && at('edit').open) at('edit-told').append(offer(free, start));
  } else if (answer.status === 412) {
    moved.tag = answer.problem.etag;
    at('edit-told').replaceChildren('Somebody has just changed this meeting. Press Move to move it all the same.');
  } else {
    at('edit-told').replaceChildren(wordsFor(answer));
  }
});

/** One key for one booking, however often it is sent. */
let booked = {};
function keyOf(booking) {
  const body = JSON.stringify(booking);
  if (booked.body !== body) booked = { body, key: crypto.randomUUID() };
  return booked.key;
}

function offer(free, wanted) {
  const sameDay = free.toDateString() === wanted.toDateString();
  const words = sameDay ? time.format(free) : `${longDay.format(free)}, ${time.format(free)}`;
  const button = element('button', { type: 'button', textContent: `Everybody is free at ${words}` });
  button.addEventListener('click', () => {
    setTime(free);
    at('edit-told').replaceChildren();
    at('form').querySelector('[type="submit"]').focus();
  });
  return button;
}

/** The first moment after `start` from which on all of them are free for as long, within two weeks. */
async function nextFree(ids, start, end, except) {
  const all = `in=(${ids.map(encodeURIComponent).join(',')})`;
  const until = new Date(start.getTime() + 14 * DAY_MS);
  const path = `/Event/?(organizerId=${all}|attendeeIds=${all})&status=not_in=(cancelled,declined)`
    + `&endTime=gt=${start.toISOString()}&startTime=lt=${until.toISOString()}&sort=startTime&select=id,startTime,endTime`;
  const answer = await fetch(path).catch(() => undefined);
  if (!answer?.ok) return undefined;
  let free = start.getTime();
  for (const { id, startTime, endTime } of await answer.json()) {
    if (id === except) continue;
    if (Date.parse(startTime) >= free + (end - start)) break;
    free = Math.max(free, Date.parse(endTime));
  }
  return free > start.getTime() && free < until.getTime() ? new Date(free) : undefined;
}

function wordsFor({ problem }) {
  if (!problem) return 'There is no connection. Please try again.';
  if (problem.type.endsWith('/overlap')) {
    const [taken] = problem.conflicts;
    return `${nameOf(problem.key)} has another meeting from ${time.format(new Date(taken.start))} to ${time.format(new Date(taken.end))}.`;
  }
  return problem.detail;
}

// What all of it needs

/** Sends a request; without an answer its status is 0. */
async function send(method, path, body, headers) {
  try {
    const answer = await fetch(path, { method, body: JSON.stringify(body), headers: { 'Content-Type': 'application/json', ...headers } });
    if (answer.ok && at('status').dataset.status !== 'live') readEvents();
    return { ok: answer.ok, status: answer.status, problem: answer.ok ? undefined : await answer.json() };
  } catch {
    return { ok: false, status: 0 };
  }
}

let silence;
function say(text) {
  at('toast').textContent = text;
  clearTimeout(silence);
  silence = setTimeout(() => { at('toast').textContent = ''; }, 4000);
}

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// The calendar's page in real browsers: node week.mjs BINARY EXAMPLES [PICTURES]
import assert from 'node:assert/strict';
import { fits, kept, shows, status, tabTo, test } from './app.mjs';

const WEEK = '/?person=user123&week=2024-08-12';
const DECISION = 'event142';

await test('calendar', [
  oneMovesAndTheOtherSees,
  aMeetingIsAcceptedAndCancelled,
  nobodyIsBookedTwice,
  whatSomebodyElseChangedIsNotOverwritten,
  theWeekWithoutAMouse,
  whatHappenedMeanwhileIsShown,
  onAPhone,
]);

function meeting(id) {
  return `.event[value="${id}"]`;
}

function day(page, id) {
  return page.$eval(meeting(id), (node) => node.closest('.day').querySelector('h3 b').textContent);
}

async function press(page, selector) {
  await page.locator(selector).click();
}

async function setTime(page, dayText, timeText) {
  const set = (node, text) => { node.value = text; };
  await page.$eval('#edit-day', set, dayText);
  await page.$eval('#edit-time', set, timeText);
}

async function oneMovesAndTheOtherSees(app) {
  const [paris, york] = [await app.open(WEEK), await app.open(WEEK, { zone: 'America/New_York' })];
  await shows(paris, meeting(DECISION), /^5:00\s–\s5:30/);
  await shows(york, meeting(DECISION), /^11:00\s–\s11:30/);
  await kept(paris, 'week');
  await press(paris, meeting(DECISION));
  await press(paris, '#move');
  await setTime(paris, '2024-08-14', '18:30');
  await press(paris, '#form [type="submit"]');
  await shows(paris, '#toast', 'Moved');
  await shows(york, meeting(DECISION), /^12:30\s–\s1:00/);
  assert.equal(await day(york, DECISION), '14');
  assert.ok(await york.$(`${meeting(DECISION)}.changed`), 'what changed is not marked');
  const { startTime, endTime } = await app.send('GET', `/Event/${DECISION}`);
  assert.deepEqual([startTime, endTime], ['2024-08-14T16:30:00Z', '2024-08-14T17:00:00Z']);
}

async function aMeetingIsAcceptedAndCancelled(app) {
  const [maya, rafael] = [await app.open(WEEK), await app.open('/?person=user567&week=2024-08-12')];
  await rafael.waitForSelector(`${meeting(DECISION)}[data-open]`);
  await press(maya, meeting(DECISION));
  await press(maya, '#accept');
  await shows(maya, '#toast', 'Accepted');
  await rafael.waitForSelector(`${meeting(DECISION)}:not([data-open])`);
  // Open where somebody else cancels it, it says so.
  await press(rafael, meeting(DECISION));
  await shows(rafael, '#meeting-status', 'Confirmed');
  await press(maya, meeting(DECISION));
  await press(maya, '#cancel');
  await shows(rafael, '#meeting-status', 'Cancelled');
  await rafael.waitForSelector(`${meeting(DECISION)}[data-off]`);
}

async function nobodyIsBookedTwice(app) {
  const [maya, arjun] = [await app.open(WEEK), await app.open('/?person=user789&week=2024-08-12')];
  await press(maya, '#new');
  await maya.locator('#edit-name').fill('Tea');
  await press(maya, '#guests input[value="user789"]');
  await setTime(maya, '2024-08-15', '15:00');
  await press(maya, '#form [type="submit"]');
  await shows(maya, '#edit-told', /(Maya Thompson|Arjun Mehta) has another meeting from 3:00\sPM to 3:30\sPM\./);
  await shows(maya, '#edit-told button', /^Everybody is free at 4:00\sPM$/);
  await kept(maya, 'week-taken');
  await press(maya, '#edit-told button');
  await press(maya, '#form [type="submit"]');
  await shows(maya, '#toast', 'Booked');
  await arjun.waitForFunction(() => [...document.querySelectorAll('.event')].some(({ textContent }) => /4:00\s–\s4:30\sPMTeaMaya/.test(textContent)));
}

async function whatSomebodyElseChangedIsNotOverwritten(app) {
  const page = await app.open(WEEK);
  const read = page.waitForResponse((answer) => answer.url().endsWith(`/Event/${DECISION}`) && answer.request().method() === 'GET');
  await press(page, meeting(DECISION));
  await read;
  await app.send('PATCH', `/Event/${DECISION}`, { title: 'Launch or not' });
  await shows(page, '#meeting-title', 'Launch or not');
  await press(page, '#cancel');
  await shows(page, '#meeting-told', /Somebody has just changed this meeting/);
  assert.equal((await app.send('GET', `/Event/${DECISION}`)).status, 'tentative');
  await press(page, '#cancel');
  await shows(page, '#toast', 'Cancelled');
}

async function theWeekWithoutAMouse(app) {
  const page = await app.open(WEEK);
  await tabTo(page, meeting(DECISION));
  await page.keyboard.press('Enter');
  await page.waitForSelector('#meeting[open]');
  await page.keyboard.press('Escape');
  await page.waitForSelector('#meeting:not([open])');
  assert.ok(await page.$(`${meeting(DECISION)}:focus`), 'the focus is lost');
  // A change of the week does not take the focus away.
  await app.send('PATCH', '/Event/event124', { title: 'Company update, again' });
  await shows(page, meeting('event124'), /again/);
  assert.ok(await page.$(`${meeting(DECISION)}:focus`), 'the focus is lost');
  await page.focus('#today');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await shows(page, '#title', /August 19/);
  await page.focus('#after');
  await tabTo(page, '#new');
  await page.keyboard.press('Enter');
  await page.keyboard.type('Reading');
  await page.keyboard.press('Enter');
  await shows(page, '#toast', 'Booked');
  await page.waitForSelector('.day .event');
}

async function whatHappenedMeanwhileIsShown(app) {
  const page = await app.open(WEEK);
  app.down = true;
  const port = app.port;
  await app.kill();
  await status(page, 'offline');
  await app.start(0);
  await app.send('PATCH', `/Event/${DECISION}`, { status: 'cancelled' });
  // No longer one of hers.
  await app.send('PATCH', '/Event/event132', { attendeeIds: ['user567'] });
  await app.kill();
  await app.start(port);
  await page.waitForSelector(`${meeting(DECISION)}[data-off]`);
  await page.waitForFunction((selector) => !document.querySelector(selector), {}, meeting('event132'));
  await status(page, 'live');
}

async function onAPhone(app) {
  const page = await app.open(WEEK, { phone: true });
  await page.waitForSelector(meeting(DECISION));
  await fits(page);
  await kept(page, 'week-phone');
  await press(page, meeting(DECISION));
  await page.waitForSelector('#meeting[open]');
  await fits(page);
  await page.keyboard.press('Escape');
  await press(page, '#new');
  await page.waitForSelector('#edit[open]');
  await kept(page, 'week-phone-new');
  await fits(page);
}

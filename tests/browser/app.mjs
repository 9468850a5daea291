// What the tests in a browser share: a server on fresh data that can be killed and started again, and pages that complain.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import puppeteer from 'puppeteer-core';

const [binary, examples, pictures] = process.argv.slice(2);
const PHONE = { width: 390, height: 844, isMobile: true, hasTouch: true };
const DESK = { width: 1280, height: 900 };

/** Runs each test with an app of its own; ends with 1 and the reason at the first surprise. */
export async function test(example, tests) {
  let browser = await launched();
  try {
    for (const run of tests) {
      try {
        await alone(example, browser, run);
      } catch (error) {
        // A browser that is gone has shown nothing; one more is asked.
        if (browser.connected) throw error;
        browser = await launched();
        await alone(example, browser, run);
      }
    }
  } finally {
    await browser.close();
  }
}

function launched() {
  return puppeteer.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--lang=en-US'],
  });
}

async function alone(example, browser, run) {
  const app = new App(example, browser);
  try {
    await app.start();
    await run(app);
    assert.deepEqual(app.complaints, [], run.name);
  } catch (error) {
    throw new Error(`${run.name}: ${error.stack}\n${app.output}`, { cause: error });
  } finally {
    await app.end();
  }
}

/** An example of the project, served. */
export class App {
  output = '';
  /** What pages said that should not be. */
  complaints = [];
  /** Whether pages may say that a connection failed. */
  down = false;
  #contexts = [];

  constructor(example, browser) {
    this.example = example;
    this.browser = browser;
  }

  /** Starts the server; again on the same data and, unless another is given, the same port. */
  async start(port = this.port ?? 0) {
    this.data ??= await mkdtemp(join(tmpdir(), 'stoa-browser-'));
    const [app, listen] = [join(examples, this.example), `127.0.0.1:${port}`];
    this.server = spawn(binary, ['dev', app, '--listen', listen, '--data', this.data], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.server.stderr.on('data', (text) => { this.output += text; });
    const lines = createInterface({ input: this.server.stdout });
    const started = await new Promise((settled) => {
      lines.on('line', (line) => {
        this.output += `${line}\n`;
        this.base = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0] ?? this.base;
        if (line.startsWith('ready')) settled(true);
      });
      lines.on('close', () => settled(false));
    });
    assert.ok(started, `the server did not start:\n${this.output}`);
    this.port ??= Number(new URL(this.base).port);
  }

  /** SIGKILL: nothing is finished. */
  async kill() {
    const ended = once(this.server, 'exit');
    this.server.kill('SIGKILL');
    await ended;
  }

  async end() {
    // With its browser a context is gone too.
    if (this.browser.connected) for (const context of this.#contexts) await context.close();
    if (this.server?.exitCode === null && this.server.signalCode === null) await this.kill();
    await rm(this.data, { recursive: true, force: true });
  }

  /** A request; its answer must be a good one. */
  async send(method, path, body) {
    const answer = await fetch(this.base + path, { method, body: JSON.stringify(body), headers: body ? { 'Content-Type': 'application/json' } : {} });
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${answer.ok || await answer.text()}`);
    return answer.status === 204 ? undefined : answer.json();
  }

  /** A page in a browser of its own. */
  async open(path = '/', { phone = false, zone = 'Europe/Paris' } = {}) {
    const context = await this.browser.createBrowserContext();
    this.#contexts.push(context);
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    await page.emulateTimezone(zone);
    await page.setViewport(phone ? PHONE : DESK);
    page.on('request', (request) => {
      const url = request.url();
      if (!/^(http|ws):\/\/127\.0\.0\.1:/.test(url) && !url.startsWith('data:')) this.complaints.push(`${url} was asked for`);
    });
    page.on('pageerror', (error) => this.complaints.push(error.stack));
    page.on('console', (message) => {
      // The browser itself notes each answer of 400 and above, and each socket that fails.
      const itself = message.text().startsWith('Failed to load resource') || (this.down && message.text().includes('WebSocket'));
      if (message.type() === 'error' && !itself) this.complaints.push(message.text());
    });
    await page.goto(this.base + path);
    await status(page, 'live');
    return page;
  }
}

/** Waits until the page says that it is live, or offline. */
export async function status(page, wanted) {
  await page.waitForSelector(`#status[data-status="${wanted}"]`);
}

/** Waits until an element's text is this, or has it in it. */
export async function shows(page, selector, text) {
  const wanted = typeof text === 'string' ? { text } : { pattern: text.source };
  const found = (selector, { text, pattern }) => {
    const shown = document.querySelector(selector)?.textContent ?? '';
    return pattern ? new RegExp(pattern).test(shown) : shown === text;
  };
  await page.waitForFunction(found, {}, selector, wanted).catch(async (error) => {
    const shown = await page.evaluate((selector) => document.querySelector(selector)?.textContent, selector);
    throw new Error(`${selector} shows ${JSON.stringify(shown)} instead of ${text}`, { cause: error });
  });
}

/** Goes on with the Tab key until the focus is there; it must be seen all the way. */
export async function tabTo(page, selector) {
  for (let steps = 0; steps < 200; steps += 1) {
    await page.keyboard.press('Tab');
    const [there, seen] = await page.evaluate((selector) => {
      const focused = document.activeElement;
      const { outlineStyle, outlineWidth } = getComputedStyle(focused);
      return [focused.matches(selector), focused === document.body || (outlineStyle !== 'none' && outlineWidth !== '0px')];
    }, selector);
    assert.ok(seen, 'the focus is not seen');
    if (there) return;
  }
  assert.fail(`the Tab key does not lead to ${selector}`);
}

/** Nothing is wider than the page. */
export async function fits(page) {
  const [content, width] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(content <= width, `the page is ${content} pixels wide on a screen of ${width}`);
}

/** Keeps a picture, if a folder for pictures is given. */
export async function kept(page, name) {
  if (pictures) await page.screenshot({ path: join(pictures, `${name}.png`) });
}

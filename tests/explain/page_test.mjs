// The page of `grass-sim explain` in a real browser. run.sh makes the pages and says where they and
// the browser are: PAGES, CHROMIUM. Screenshots are left beside the pages.
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const pages = process.env.PAGES;
const laptop = { width: 1366, height: 768 };
let browser;

before(async () => {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox'] });
});
after(() => browser.close());

// Opens a page, gives it to `body`, and fails if it complained or asked for anything but itself.
async function open(name, body, colorScheme = 'light') {
  const context = await browser.newContext({ viewport: laptop, colorScheme });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const complaints = [];
  const requests = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => requests.push(request.url()));
  const url = pathToFileURL(path.join(pages, `${name}.html`)).href;
  await page.goto(url);
  await frame(page);
  await body(page);
  assert.deepEqual(complaints, []);
  assert.deepEqual(requests, [url], 'nothing is loaded but the page');
  await context.close();
}

// What was asked for is drawn in the next frame.
const frame = (page) => page.evaluate(() => new Promise((resolve) => {
  requestAnimationFrame(() => requestAnimationFrame(resolve));
}));
const range = (page) => page.evaluate(() => [Explain.view.from, Explain.view.until]);
const pixels = (page) => page.evaluate(() => document.getElementById('diagram').toDataURL());
// How many colours the diagram has.
const colours = (page) => page.evaluate(() => {
  const canvas = document.getElementById('diagram');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const seen = new Set();
  for (let i = 0; i < data.length; i += 4) seen.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
  return seen.size;
});

async function press(page, key) {
  await page.keyboard.press(key);
  await frame(page);
}

test('names the broken rule and begins where it was broken', () => open('failing', async (page) => {
  assert.match(await page.textContent('h1'), /one leader in a term/);
  assert.match(await page.textContent('header'), /and so does another/);
  assert.match(await page.textContent('header'), /election_safety\.h:1/);
  const [from, until] = await range(page);
  const violation = await page.evaluate(() => Explain.data.violation.at);
  assert.ok(from < violation && violation < until, 'the violation is in view');
  assert.ok(await colours(page) > 20, 'something is drawn');
  await page.screenshot({ path: path.join(pages, 'failing.png') });
}));

test('shows a schedule of an exploration', () => open('explored', async (page) => {
  assert.match(await page.textContent('h1'), /election safety/);
  assert.match(await page.textContent('header'), /A step of the exploration is shown as a millisecond/);
  assert.match(await page.textContent('body'), /12 {2}crash n3 keeping 0/);
  assert.ok(await page.locator('#highlights tbody tr').count() > 2, 'the way to the violation');
  assert.ok(await colours(page) > 10, 'something is drawn');
  await page.screenshot({ path: path.join(pages, 'explored.png') });
}));

test('can be read in the dark', () => open('failing', async (page) => {
  const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const [red, green, blue] = background.match(/\d+/g).map(Number);
  assert.ok(red + green + blue < 3 * 80, background);
  assert.ok(await colours(page) > 20);
  await page.screenshot({ path: path.join(pages, 'dark.png') });
}, 'dark'));

test('walks through what matters, to the violation', () => open('failing', async (page) => {
  const rows = await page.locator('#highlights tbody tr').count();
  assert.ok(rows > 2, `${rows} rows`);
  for (let i = 0; i < rows; ++i) {
    await press(page, 'n');
    const { at, middle } = await page.evaluate(() => ({
      at: Explain.data.timeOf(Explain.data.highlights[Explain.view.current]),
      middle: (Explain.view.from + Explain.view.until) / 2,
    }));
    const [from, until] = await range(page);
    assert.ok(from <= at && at <= until, `highlight ${i} is in view, about ${middle}`);
    assert.equal(await page.locator('#highlights tr.current').count(), 1);
  }
  const last = await page.evaluate(() => Explain.data.timeOf(Explain.data.highlights.at(-1)));
  assert.equal(last, await page.evaluate(() => Explain.data.violation.at), 'the last is the violation');
  await press(page, 'p');
  assert.equal(await page.evaluate(() => Explain.view.current), rows - 2);
  await page.locator('#highlights tbody tr').first().click();
  assert.equal(await page.evaluate(() => Explain.view.current), 0);
}));

test('zooms and moves by keys, wheel, pointer and overview', () => open('passing', async (page) => {
  const span = async () => (await range(page))[1] - (await range(page))[0];
  await press(page, '0');
  const all = await span();
  await press(page, '+');
  const zoomed = await span();
  assert.ok(zoomed < all);
  await press(page, '-');
  assert.ok(Math.abs((await span()) - all) < all * 1e-6);
  await press(page, '+');
  await press(page, '+');
  const [before] = await range(page);
  await press(page, 'ArrowRight');
  const [right] = await range(page);
  assert.ok(right > before);
  await press(page, 'Home');
  assert.ok((await range(page))[0] <= 0);
  await press(page, 'End');
  const end = await page.evaluate(() => Explain.data.until);
  assert.ok((await range(page))[1] >= end);

  const box = await page.locator('#diagram').boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y + 40];
  await page.mouse.move(x, y);
  const wide = await span();
  await page.mouse.wheel(0, -200);
  await frame(page);
  assert.ok((await span()) < wide, 'the wheel zooms in');
  const [drag] = await range(page);
  await page.mouse.down();
  await page.mouse.move(x + 200, y, { steps: 4 });
  await page.mouse.up();
  await frame(page);
  assert.ok((await range(page))[0] < drag, 'the picture follows the pointer');
  const strip = await page.locator('#overview').boundingBox();
  await page.mouse.click(strip.x + strip.width * 0.25, strip.y + strip.height / 2);
  await frame(page);
  assert.ok((await range(page))[1] < end / 2, 'the strip scrubs');
}));

test('hides lanes and kinds, and shows them again', () => open('passing', async (page) => {
  const shown = await pixels(page);
  await press(page, 'f');
  assert.ok(await page.locator('#filters').isVisible());
  const full = await pixels(page);
  for (const id of ['#lanes', '#groups']) {
    const box = page.locator(`${id} input`).first();
    await box.uncheck();
    await frame(page);
    assert.notEqual(await pixels(page), full, `${id} changes the picture`);
    await box.check();
    await frame(page);
    assert.equal(await pixels(page), full);
  }
  await page.locator('#diagram').focus();
  await press(page, 'Escape');
  assert.ok(await page.locator('#filters').isHidden());
  assert.equal(await pixels(page), shown);
}));

test('tells of a message under the pointer', () => open('passing', async (page) => {
  // Near enough that single messages are drawn.
  const at = await page.evaluate(() => {
    const { data, view } = Explain;
    const m = data.messages;
    for (let i = Math.floor(m.count / 2); i < m.count; ++i) {
      if (!m.arrived[i] || m.from[i] >= data.nodes || m.to[i] >= data.nodes) continue;
      const length = m.end[i] - m.sent[i];
      view.set(m.sent[i] - length, m.end[i] + length);
      return i;
    }
    return -1;
  });
  assert.ok(at >= 0);
  await frame(page);
  const place = await page.evaluate((i) => {
    const [x0, y0, x1, y1] = Explain.paint.ends(i);
    return [(x0 + x1) / 2, (y0 + y1) / 2];
  }, at);
  const box = await page.locator('#diagram').boundingBox();
  await page.mouse.move(box.x + place[0], box.y + place[1]);
  const tip = await page.locator('#tip').textContent();
  assert.match(tip, /n\d → n\d .*\n.*delivered\nsent at \d+\.\d{9} s, event \d+/);
  assert.ok(await page.locator('#tip').isVisible());
  await page.screenshot({ path: path.join(pages, 'message.png') });
}));

test('shows a fault on the lanes of the nodes that it is done to', () => open('faults', async (page) => {
  const box = await page.locator('#diagram').boundingBox();
  // What the pointer is told in the middle of the fault, in the upper part of a lane.
  const tell = async (number, lane) => {
    const place = await page.evaluate(([i, on]) => {
      const { data, lanes, view } = Explain;
      const { from, until } = data.faults[i];
      view.set(from - (until - from), until + (until - from));
      return { x: view.x((from + until) / 2), y: lanes.y[on] - lanes.height[on] / 2 + 3 };
    }, [number, lane]);
    await frame(page);
    await page.mouse.move(box.x + place.x, box.y + place.y);
    return page.evaluate(() => (document.getElementById('tip').hidden ? '' : document.getElementById('tip').textContent));
  };
  await page.evaluate(() => Explain.data.groups.forEach((name, i) => {
    if (name !== 'faults') Explain.view.hiddenGroups.add(i);  // no message lies above it
  }));
  const faults = await page.evaluate(() => Explain.data.faults);
  const nodes = await page.evaluate(() => Explain.data.nodes);
  const ofLinks = ['partition', 'client-cut', 'flap', 'clog', 'swizzle'];
  const seen = new Set();
  let ofSeveral = 0;
  for (const [i, fault] of faults.entries()) {
    assert.equal(fault.on.length === 0, ofLinks.includes(fault.kind), `${fault.kind} on ${fault.on}`);
    const some = `${fault.kind} ${fault.on.length}`;
    if (seen.has(some) || fault.until - fault.from < 1e6) continue;
    seen.add(some);
    if (fault.on.length > 1) ++ofSeveral;
    for (let lane = 0; lane < nodes; ++lane) {
      const told = (await tell(i, lane)).includes(`${fault.kind} #${fault.number}`);
      assert.equal(told, fault.on.length === 0 || fault.on.includes(lane), `${fault.kind} #${fault.number} on n${lane + 1}`);
    }
    if (fault.kind === 'clog' || fault.kind === 'swizzle') {
      assert.match(await tell(i, 0), /clogged: n\d→n\d/);
      await page.screenshot({ path: path.join(pages, `${fault.kind}.png`) });
    }
  }
  const wanted = ['clog 0', 'swizzle 0', 'flap 0', 'partition 0', 'full-disk 1', 'crash 1'];
  assert.ok(ofSeveral > 0 && wanted.every((some) => seen.has(some)), [...seen].join(', '));
}));

test('finds texts', () => open('passing', async (page) => {
  await press(page, '/');
  await page.keyboard.type('RequestVote');
  await frame(page);
  const found = Number.parseInt(await page.textContent('#found'), 10);
  assert.ok(found > 0);
  const [before] = await range(page);
  await press(page, '+');  // into the search, not a zoom
  assert.equal((await range(page))[0], before);
  await page.locator('#search').fill('no such words');
  await frame(page);
  assert.equal(await page.textContent('#found'), '0 found');
}));

test('shows its keys', () => open('passing', async (page) => {
  await press(page, '?');
  assert.ok(await page.locator('#help').isVisible());
  await page.locator('#help button').click();
  assert.ok(await page.locator('#help').isHidden());
}));

test('says that every rule held', () => open('passing', async (page) => {
  assert.match(await page.textContent('h1'), /every rule held/i);
  assert.equal(await page.evaluate(() => Explain.data.highlights.length), 0);
  await page.screenshot({ path: path.join(pages, 'passing.png') });
}));

test('is quick with 100,000 events', () => open('large', async (page) => {
  const rows = await page.evaluate(() => Explain.data.messages.count + Explain.data.points.count);
  assert.ok(rows > 100_000);
  assert.ok(await colours(page) > 20);
  await page.screenshot({ path: path.join(pages, 'large.png') });
  // Of zooming all the way in and out again, the median time to draw a frame. It is a few
  // milliseconds; a machine that is busy gets ten times as long.
  const times = await page.evaluate(() => {
    const { view, paint } = Explain;
    const taken = [];
    for (let i = 0; i < 40; ++i) {
      view.zoom(i < 20 ? 1 / 1.6 : 1.6);
      const begin = performance.now();
      paint.draw();
      taken.push(performance.now() - begin);
    }
    return taken.sort((a, b) => a - b);
  });
  assert.ok(times[20] < 100, `${times[20]} ms`);
}));

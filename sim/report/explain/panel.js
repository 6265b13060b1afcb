// What stands around the diagram: filters, the search, the table of highlights, the legend.
(() => {
  'use strict';

  const { data, view, paint } = Explain;
  const table = [...document.querySelectorAll('#highlights tbody tr:not(.none)')];
  const search = document.getElementById('search');
  let hits = [];  // times of what the search found, in order

  function addBoxes(id, names, hidden) {
    const place = document.getElementById(id);
    names.forEach((name, number) => {
      const label = document.createElement('label');
      const box = document.createElement('input');
      box.type = 'checkbox';
      box.checked = true;
      box.addEventListener('change', () => {
        if (box.checked) hidden.delete(number);
        else hidden.add(number);
        view.changed();
      });
      label.append(box, ` ${name}`);
      place.append(label);
    });
  }

  function addLegend() {
    const words = { asking: 'asks for votes (pre-vote)', hand: 'hand-over', packets: 'client packet', ok: 'operation ok',
      unknown: 'outcome unknown', refused: 'refused or unreachable', partition: 'link cut; dashed: clogged', broken: 'lost, crash, failure',
      accent: 'highlighted' };
    const names = [...paint.roleNames, ...paint.groupColours, 'ok', 'unknown', 'refused', 'partition', 'broken', 'accent'];
    for (const name of names) {
      const item = document.createElement('li');
      const patch = document.createElement('i');
      patch.style.background = `var(--${name})`;
      item.append(patch, words[name] || name);
      document.getElementById('legend').append(item);
    }
  }

  function goTo(number) {
    const count = data.highlights.length;
    if (count === 0) return;
    view.current = ((number % count) + count) % count;
    view.centre(data.timeOf(data.highlights[view.current]));
    table.forEach((row, i) => row.classList.toggle('current', i === view.current));
    table[view.current].scrollIntoView({ block: 'nearest' });
  }

  function find() {
    const text = search.value.trim().toLowerCase();
    view.found = null;
    hits = [];
    if (text !== '') {
      view.found = new Set();
      data.strings.forEach((words, i) => {
        if (words.toLowerCase().includes(text)) view.found.add(i);
      });
      const times = [];
      data.messages.words.forEach((words, i) => view.found.has(words) && times.push(data.messages.sent[i]));
      data.points.words.forEach((words, i) => view.found.has(words) && times.push(data.points.at[i]));
      hits = times.sort((a, b) => a - b);
    }
    document.getElementById('found').textContent = text === '' ? '' : `${hits.length} found`;
    view.changed();
  }

  function walk(by) {
    if (hits.length === 0) return;
    const middle = (view.from + view.until) / 2;
    const slack = (view.until - view.from) * 1e-6;
    const after = data.lowerBound(hits, middle + (by > 0 ? slack : -slack));
    view.centre(hits[(by > 0 ? after : after - 1 + hits.length) % hits.length]);
  }

  function showRange() {
    const span = view.until - view.from;
    document.getElementById('range').textContent =
      `${paint.label(Math.max(view.from, 0), span / 100)} to ${paint.label(view.until, span / 100)}` +
      `${paint.dense ? ', as densities' : `, ${paint.rows.length} messages`}`;
  }

  addBoxes('lanes', [...Array(data.lanes).keys()].map(data.nameOf), view.hiddenLanes);
  addBoxes('groups', data.groups, view.hiddenGroups);
  addLegend();
  table.forEach((row, number) => row.addEventListener('click', () => goTo(number)));
  search.addEventListener('input', find);
  search.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') walk(event.shiftKey ? -1 : 1);
    if (event.key === 'Escape') paint.canvas.focus();
  });
  view.onChange(showRange);
  Explain.panel = { goTo, search };
})();

// The pointer on the diagram: what is under it, moving and zooming.
(() => {
  'use strict';

  const { data, view, lanes, paint } = Explain;
  const { canvas } = paint;
  const tip = document.getElementById('tip');
  const fates = ['still on its way', 'delivered', 'lost', 'delivered to nobody: the receiver is down'];
  const faults = data.groups.indexOf('faults');
  let moving = null;

  const seconds = (at) => `${(at / 1e9).toFixed(9)} s`;

  function length(nanoseconds) {
    if (nanoseconds < 1e6) return `${(nanoseconds / 1e3).toFixed(1)} µs`;
    return nanoseconds < 1e9 ? `${(nanoseconds / 1e6).toFixed(2)} ms` : `${(nanoseconds / 1e9).toFixed(2)} s`;
  }

  function textOfMessage(i) {
    const m = data.messages;
    const arrival = m.arrived[i] ? `, ${length(m.end[i] - m.sent[i])} on the way, event ${m.event[i] + m.came[i]}` : '';
    return `${data.nameOf(m.from[i])} → ${data.nameOf(m.to[i])}  ${data.strings[m.words[i]]}\n` +
      `${m.again[i] ? 'repeated, ' : ''}${fates[m.fate[i]]}\nsent at ${seconds(m.sent[i])}, event ${m.event[i]}${arrival}`;
  }

  function distance(x, y, [x0, y0, x1, y1]) {
    const dx = x1 - x0;
    const dy = y1 - y0;
    const along = Math.min(Math.max(((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy || 1), 0), 1);
    return Math.hypot(x - x0 - along * dx, y - y0 - along * dy);
  }

  function pointAt(x, lane) {
    const p = data.points;
    let best = -1;
    const until = view.time(x + 5);
    for (let i = data.lowerBound(p.at, view.time(x - 5)); i < p.count && p.at[i] <= until; ++i) {
      // A fault is told of by faultsAt, wherever it is.
      if (p.lane[i] !== lane || p.group[i] === faults || view.hiddenGroups.has(p.group[i])) continue;
      const nearer = best < 0 || Math.abs(view.x(p.at[i]) - x) < Math.abs(view.x(p.at[best]) - x);
      if (nearer || p.weight[i] > p.weight[best]) best = i;
    }
    return best;
  }

  function messageAt(x, y) {
    let best = -1;
    let least = 5;
    for (const i of paint.rows) {
      const away = distance(x, y, paint.ends(i)) - (data.highlightedMessages.has(i) ? 2 : 0);
      if (away < least) [best, least] = [i, away];
    }
    return best;
  }

  function spanAt(spans, lane, at) {
    return spans.find((span) => span.lane === lane && span.from <= at && at <= span.until);
  }

  function textAt(x, y) {
    if (x < view.left) return '';
    const lane = lanes.at(y);
    const at = view.time(x);
    const onBar = lane !== undefined && Math.abs(y - lanes.y[lane]) <= lanes.bar(lane) / 2 + 4;
    const point = onBar ? pointAt(x, lane) : -1;
    if (point >= 0) {
      return `${data.nameOf(lane)}  ${data.strings[data.points.words[point]]}\n` +
        `${seconds(data.points.at[point])}, event ${data.points.event[point]}`;
    }
    const message = messageAt(x, y);
    if (message >= 0) return textOfMessage(message);
    if (!onBar) return faultsAt(at, lane);
    const operation = spanAt(data.operations, lane, at);
    if (operation) {
      return `${data.nameOf(lane)}  ${operation.asked}\n${operation.answer}, after ` +
        `${length(operation.until - operation.from)}\nfrom ${seconds(operation.from)}`;
    }
    const role = spanAt(data.roles, lane, at);
    return role ? `${data.nameOf(lane)} ${paint.roleNames[role.role]}${role.term ? `, term ${role.term}` : ''}\n` +
      `for ${length(role.until - role.from)}, from ${seconds(role.from)}` : '';
  }

  function faultsAt(at, lane) {
    const texts = [];
    for (const fault of data.faults) {
      if (fault.from > at || fault.until < at) continue;
      if (fault.on.length > 0 && !fault.on.includes(lane)) continue;
      const on = fault.on.length > 1 ? ` on ${fault.on.map(data.nameOf).join(' ')}` : '';
      texts.push(`${fault.kind} #${fault.number}${on}, for ${length(fault.until - fault.from)}`);
    }
    return [...texts, ...linksAt(at, 'cut', data.cuts), ...linksAt(at, 'clogged', data.clogs)].join('\n');
  }

  function linksAt(at, what, links) {
    const names = links.filter((link) => link.from <= at && at <= link.until)
      .map((link) => `${data.nameOf(link.lane)}→${data.nameOf(link.to)}`);
    if (names.length === 0) return [];
    return [`${what}: ${names.slice(0, 12).join(' ')}${names.length > 12 ? ` and ${names.length - 12} more` : ''}`];
  }

  function show(event) {
    const text = textAt(event.offsetX, event.offsetY);
    tip.hidden = text === '';
    tip.textContent = text;
    if (tip.hidden) return;
    const right = event.offsetX + tip.offsetWidth + 24 > canvas.clientWidth;
    const below = event.offsetY + tip.offsetHeight + 24 > canvas.clientHeight;
    tip.style.left = `${Math.max(right ? event.offsetX - tip.offsetWidth - 12 : event.offsetX + 14, 2)}px`;
    tip.style.top = `${Math.max(below ? event.offsetY - tip.offsetHeight - 12 : event.offsetY + 14, 2)}px`;
  }

  canvas.addEventListener('pointermove', (event) => {
    if (moving === null) return show(event);
    const by = ((moving - event.offsetX) / view.width) * (view.until - view.from);
    moving = event.offsetX;
    view.set(view.from + by, view.until + by);
  });
  canvas.addEventListener('pointerdown', (event) => {
    moving = event.offsetX;
    tip.hidden = true;
    canvas.classList.add('moving');
    canvas.setPointerCapture(event.pointerId);
  });
  const stop = () => {
    moving = null;
    canvas.classList.remove('moving');
  };
  canvas.addEventListener('pointerup', stop);
  canvas.addEventListener('pointercancel', stop);
  canvas.addEventListener('pointerleave', () => {
    tip.hidden = true;
  });
  canvas.addEventListener('wheel', (event) => {
    event.preventDefault();
    tip.hidden = true;
    const aside = Math.abs(event.deltaX) > Math.abs(event.deltaY);
    if (event.shiftKey || aside) view.move(((aside ? event.deltaX : event.deltaY) / view.width) * 0.8);
    else view.zoom(Math.exp(Math.min(Math.max(event.deltaY, -200), 200) * 0.0025), view.time(event.offsetX));
  }, { passive: false });
})();

// Draws what is in view. Many messages at once become a density along their lanes.
(() => {
  'use strict';

  const { data, view, lanes } = Explain;
  const canvas = document.getElementById('diagram');
  const context = canvas.getContext('2d');
  const arrowsAtMost = 5000;
  const headsAtMost = 900;
  const roleNames = ['down', 'recovering', 'follower', 'asking', 'candidate', 'leader'];
  const groupColours = ['votes', 'appends', 'snapshots', 'reads', 'hand', 'packets'];
  const lostOrNobody = (fate) => fate >= 2;
  let colours = {};
  let size = { width: 0, height: 0 };

  function readColours() {
    const style = getComputedStyle(document.documentElement);
    const names = [...roleNames, ...groupColours, 'page', 'panel', 'rule', 'text', 'faint', 'grid', 'accent',
      'broken', 'partition', 'ok', 'unknown', 'refused'];
    colours = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  }

  function fit() {
    const ratio = window.devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = canvas;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    size = { width, height };
    view.width = Math.max(width - view.left - 16, 10);
    lanes.place(height);
  }

  // Visible messages: all with an index in [first, last) that end in view.
  function range() {
    const { sent, newestEnd } = data.messages;
    return [data.lowerBound(newestEnd, view.from), data.lowerBound(sent, view.until)];
  }

  function isShown(i) {
    const m = data.messages;
    return m.end[i] >= view.from && !view.hiddenGroups.has(m.group[i]) && lanes.isShown(m.from[i]) &&
      lanes.isShown(m.to[i]);
  }

  function step() {
    const rough = (view.until - view.from) / Math.max(view.width / 110, 1);
    const power = 10 ** Math.floor(Math.log10(rough));
    return [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
  }

  // Seconds, with the digits that the grid tells apart.
  function label(at, by) {
    const digits = Math.min(Math.max(0, 9 - Math.floor(Math.log10(by))), 9);
    return `${(at / 1e9).toFixed(digits)} s`;
  }

  function drawGrid() {
    const by = step();
    context.font = '11px system-ui, sans-serif';
    context.textAlign = 'center';
    for (let at = Math.ceil(Math.max(view.from, 0) / by) * by; at <= view.until; at += by) {
      const x = view.x(at);
      context.fillStyle = colours.grid;
      context.fillRect(x, lanes.axis - 6, 1, size.height);
      context.fillStyle = colours.faint;
      if (x > view.left + 20 && x < size.width - 30) context.fillText(label(at, by), x, 15);
    }
  }

  const inView = (span) => span.until >= view.from && span.from <= view.until;

  function box(span) {
    const x = Math.max(view.x(span.from), view.left);
    return [x, Math.max(Math.min(view.x(span.until), size.width) - x, 1)];
  }

  const faults = data.groups.indexOf('faults');

  let namedUntil = {};  // by the height of a name, so that none is written over another

  function nameFault(fault, x, y, width) {
    if (width < 60 || x < (namedUntil[y] || 0)) return;
    context.fillStyle = colours.faint;
    context.fillText(fault.kind, x + 4, y, width - 6);
    namedUntil[y] = x + Math.min(context.measureText(fault.kind).width, width - 6) + 8;
  }

  // What is done to links, over all lanes.
  function drawWideFault(fault) {
    const [x, width] = box(fault);
    context.globalAlpha = 0.08;
    context.fillStyle = colours.partition;
    context.fillRect(x, lanes.axis - 8, width, size.height);
    context.globalAlpha = 1;
    context.fillRect(x, lanes.axis - 8, width, 2);
    nameFault(fault, x, lanes.axis + 7, width);
  }

  function drawFaultOn(lane, fault) {
    const [x, width] = box(fault);
    const top = lanes.y[lane] - lanes.height[lane] / 2;
    context.globalAlpha = 0.12;
    context.fillStyle = colours.candidate;
    context.fillRect(x, top + 2, width, lanes.height[lane] - 4);
    context.globalAlpha = 1;
    nameFault(fault, x, top + 12, width);
  }

  // Along the lanes of both ends.
  function drawLinks(links, below, dashes) {
    context.strokeStyle = colours.partition;
    context.lineWidth = 2;
    context.setLineDash(dashes);
    context.beginPath();
    for (const link of links) {
      if (!inView(link)) continue;
      const [x, width] = box(link);
      for (const lane of [link.lane, link.to]) {
        if (!lanes.isShown(lane)) continue;
        const y = lanes.y[lane] + lanes.bar(lane) / 2 + below;
        context.moveTo(x, y);
        context.lineTo(x + width, y);
      }
    }
    context.stroke();
    context.setLineDash([]);
    context.lineWidth = 1;
  }

  function drawFaults() {
    if (view.hiddenGroups.has(faults)) return;
    context.textAlign = 'left';
    namedUntil = {};
    for (const fault of data.faults) {
      if (!inView(fault)) continue;
      if (fault.on.length === 0) drawWideFault(fault);
      for (const lane of fault.on) if (lanes.isShown(lane)) drawFaultOn(lane, fault);
    }
    drawLinks(data.cuts, 3, []);
    drawLinks(data.clogs, 6, [5, 4]);
  }

  function drawRoles() {
    context.textAlign = 'left';
    context.font = '10px system-ui, sans-serif';
    const termAfter = {};
    for (const span of data.roles) {
      if (!inView(span) || !lanes.isShown(span.lane)) continue;
      const [x, width] = box(span);
      const high = lanes.bar(span.lane);
      const y = lanes.y[span.lane] - high / 2;
      context.fillStyle = colours[roleNames[span.role]];
      if (span.role === 0) context.fillRect(x, lanes.y[span.lane] - 1, width, 2);
      else context.fillRect(x, y, width, high);
      if (span.role < 2 || x < (termAfter[span.lane] || 0) || width < 14) continue;
      const text = `${span.role === 5 ? 'leader ' : ''}t${span.term}`;
      const needs = context.measureText(text).width;
      context.fillStyle = span.role === 5 ? colours.leader : colours.faint;
      context.fillText(text, x + 2, y + high + 13);
      termAfter[span.lane] = x + needs + 8;
    }
  }

  function drawOperations() {
    if (view.hiddenGroups.has(data.groups.indexOf('clients'))) return;
    const outcomes = ['grid', 'ok', 'refused', 'refused', 'unknown'];
    context.font = '10px system-ui, sans-serif';
    for (const operation of data.operations) {
      if (!inView(operation) || !lanes.isShown(operation.lane)) continue;
      const [x, width] = box(operation);
      const high = lanes.bar(operation.lane);
      context.fillStyle = colours[outcomes[operation.outcome]];
      context.fillRect(x, lanes.y[operation.lane] - high / 2, Math.max(width - 1, 1), high);
      if (width < 40 || high < 10) continue;
      context.save();
      context.beginPath();
      context.rect(x, lanes.y[operation.lane] - high / 2, width - 3, high);
      context.clip();
      context.fillStyle = colours.text;
      context.fillText(operation.asked, x + 4, lanes.y[operation.lane] + 3.5);
      context.restore();
    }
  }

  // From one lane's bar to the other's.
  function ends(i) {
    const m = data.messages;
    const down = lanes.y[m.to[i]] > lanes.y[m.from[i]] ? 1 : -1;
    const y0 = lanes.y[m.from[i]] + (down * lanes.bar(m.from[i])) / 2;
    const y1 = lanes.y[m.to[i]] - (down * lanes.bar(m.to[i])) / 2;
    const x0 = view.x(m.sent[i]);
    // What was lost at once, or is still on its way, gets a stump.
    if (!m.arrived[i]) return [x0, y0, x0 + 9, y0 + down * Math.min(26, Math.abs(y1 - y0) * 0.5)];
    return [x0, y0, view.x(m.end[i]), y1];
  }

  function head(x0, y0, x1, y1) {
    const angle = Math.atan2(y1 - y0, x1 - x0);
    context.moveTo(x1, y1);
    context.lineTo(x1 - 7 * Math.cos(angle - 0.35), y1 - 7 * Math.sin(angle - 0.35));
    context.lineTo(x1 - 7 * Math.cos(angle + 0.35), y1 - 7 * Math.sin(angle + 0.35));
    context.closePath();
  }

  function cross(x, y) {
    context.moveTo(x - 3, y - 3);
    context.lineTo(x + 3, y + 3);
    context.moveTo(x - 3, y + 3);
    context.lineTo(x + 3, y - 3);
  }

  function drawArrows(rows) {
    const m = data.messages;
    const heads = rows.length <= headsAtMost;
    const faint = rows.length > headsAtMost ? 0.35 : 0.75;
    for (let group = 0; group < groupColours.length; ++group) {
      for (const repeated of [0, 1]) {
        const some = rows.filter((i) => m.group[i] === group && m.again[i] === repeated && !lostOrNobody(m.fate[i]));
        if (some.length === 0) continue;
        context.globalAlpha = faint * (group === 5 ? 0.6 : 1);
        context.strokeStyle = context.fillStyle = colours[groupColours[group]];
        context.lineWidth = 1;
        context.setLineDash(repeated ? [2, 3] : []);
        context.beginPath();
        for (const i of some) {
          const [x0, y0, x1, y1] = ends(i);
          context.moveTo(x0, y0);
          context.lineTo(x1, y1);
        }
        context.stroke();
        if (!heads) continue;
        context.beginPath();
        for (const i of some) head(...ends(i));
        context.fill();
      }
    }
    context.globalAlpha = faint;
    context.strokeStyle = colours.broken;
    context.setLineDash([4, 3]);
    context.beginPath();
    const lost = rows.filter((i) => lostOrNobody(m.fate[i]));
    for (const i of lost) {
      const [x0, y0, x1, y1] = ends(i);
      context.moveTo(x0, y0);
      context.lineTo(x1, y1);
    }
    context.stroke();
    context.setLineDash([]);
    context.beginPath();
    for (const i of lost) {
      const [, , x1, y1] = ends(i);
      cross(x1, y1);
    }
    context.stroke();
    context.globalAlpha = 1;
  }

  // How many leave and reach a lane, in columns of 3 pixels, above its bar; in red what is lost.
  function drawDensity(first, last) {
    const m = data.messages;
    const columns = Math.ceil(view.width / 3) + 1;
    const all = new Uint32Array(columns * data.lanes);
    const lost = new Uint32Array(columns * data.lanes);
    const add = (counts, at, lane) => {
      const column = Math.floor((view.x(at) - view.left) / 3);
      if (column >= 0 && column < columns) ++counts[lane * columns + column];
    };
    for (let i = first; i < last; ++i) {
      if (!isShown(i)) continue;
      add(all, m.sent[i], m.from[i]);
      if (m.arrived[i]) add(all, m.end[i], m.to[i]);
      if (m.fate[i] === 2) add(lost, m.end[i], m.from[i]);
    }
    const most = Math.max(all.reduce((a, b) => Math.max(a, b), 1), 4);
    for (const [counts, colour] of [[all, colours.appends], [lost, colours.broken]]) {
      context.fillStyle = colour;
      context.globalAlpha = 0.75;
      for (const lane of lanes.shown()) {
        const base = lanes.y[lane] - lanes.bar(lane) / 2 - 1;
        const room = lanes.height[lane] / 2 - lanes.bar(lane) / 2 - 4;
        for (let column = 0; column < columns; ++column) {
          const count = counts[lane * columns + column];
          if (count === 0) continue;
          const high = Math.max(1, room * Math.sqrt(count / most));
          context.fillRect(view.left + column * 3, base - high, 2, high);
        }
      }
    }
    context.globalAlpha = 1;
  }

  function drawPoints() {
    const p = data.points;
    const first = data.lowerBound(p.at, view.from);
    const last = data.lowerBound(p.at, view.until);
    const crowded = last - first > 4000;
    const disks = data.groups.indexOf('disks');
    const clients = data.groups.indexOf('clients');
    for (let i = first; i < last; ++i) {
      if (view.hiddenGroups.has(p.group[i]) || !lanes.isShown(p.lane[i])) continue;
      if (p.group[i] === clients || p.group[i] === faults || (crowded && p.weight[i] === 0)) continue;
      const x = view.x(p.at[i]);
      const y = lanes.y[p.lane[i]];
      const bar = lanes.bar(p.lane[i]) / 2;
      if (p.weight[i] === 2) {
        context.strokeStyle = colours.broken;
        context.lineWidth = 2;
        context.beginPath();
        cross(x, y);
        context.stroke();
      } else if (p.group[i] === disks) {
        context.fillStyle = colours.faint;
        context.fillRect(x, y + bar - 1, 1, 4);
      } else {
        context.fillStyle = colours.text;
        context.globalAlpha = last - first > 1500 ? 0.45 : 0.85;
        context.beginPath();
        context.arc(x, y, p.weight[i] === 1 ? 3 : 1.8, 0, 7);
        context.fill();
        context.globalAlpha = 1;
      }
    }
    context.lineWidth = 1;
  }

  // Round what is highlighted, so that it is seen at any zoom.
  function ring(x, y, radius) {
    context.beginPath();
    context.arc(x, y, radius, 0, 7);
    context.stroke();
  }

  function drawHighlights() {
    const m = data.messages;
    const p = data.points;
    data.highlights.forEach((highlight, number) => {
      const { row } = highlight;
      const lane = highlight.message ? m.from[row] : p.lane[row];
      const at = data.timeOf(highlight);
      const end = highlight.message ? m.end[row] : at;
      if (end < view.from || at > view.until || !lanes.isShown(lane)) return;
      if (highlight.message && !lanes.isShown(m.to[row])) return;
      const current = number === view.current;
      context.strokeStyle = context.fillStyle = colours.accent;
      context.lineWidth = current ? 3 : 1.8;
      if (!highlight.message) return ring(view.x(at), lanes.y[lane], current ? 9 : 6);
      const line = ends(row);
      context.beginPath();
      context.moveTo(line[0], line[1]);
      context.lineTo(line[2], line[3]);
      context.stroke();
      context.beginPath();
      head(...line);
      context.fill();
    });
    if (!data.violation) return;
    const x = view.x(data.violation.at);
    context.fillStyle = colours.broken;
    context.fillRect(x - 1, lanes.axis - 8, 2, size.height);
    if (data.violation.lane >= 0 && lanes.isShown(data.violation.lane)) {
      context.strokeStyle = colours.broken;
      context.lineWidth = 2.5;
      ring(x, lanes.y[data.violation.lane], 9);
    }
    context.lineWidth = 1;
  }

  function drawFound(rows) {
    if (!view.found) return;
    context.strokeStyle = colours.text;
    context.lineWidth = 2;
    context.beginPath();
    for (const i of rows) {
      if (!view.found.has(data.messages.words[i])) continue;
      const [x0, y0, x1, y1] = ends(i);
      context.moveTo(x0, y0);
      context.lineTo(x1, y1);
    }
    context.stroke();
    context.lineWidth = 1;
    const p = data.points;
    for (let i = data.lowerBound(p.at, view.from); i < p.count && p.at[i] <= view.until; ++i) {
      if (!view.found.has(p.words[i])) continue;
      if (p.group[i] === faults) ring(view.x(p.at[i]), lanes.axis, 5);
      else if (lanes.isShown(p.lane[i])) ring(view.x(p.at[i]), lanes.y[p.lane[i]], 5);
    }
  }

  function drawNames() {
    context.fillStyle = colours.page;
    context.fillRect(0, 0, view.left - 6, size.height);
    context.textAlign = 'right';
    for (const lane of lanes.shown()) {
      context.font = `${lane < data.nodes ? '600 13px' : '12px'} system-ui, sans-serif`;
      context.fillStyle = lane < data.nodes ? colours.text : colours.faint;
      context.fillText(data.nameOf(lane), view.left - 14, lanes.y[lane] + 4);
    }
  }

  function draw() {
    const began = performance.now();
    fit();
    context.fillStyle = colours.page;
    context.fillRect(0, 0, size.width, size.height);
    drawGrid();
    drawFaults();
    drawRoles();
    drawOperations();
    const [first, last] = range();
    const rows = [];
    for (let i = first; i < last && rows.length <= arrowsAtMost; ++i) if (isShown(i)) rows.push(i);
    const dense = rows.length > arrowsAtMost;
    if (dense) drawDensity(first, last);
    else drawArrows(rows);
    drawPoints();
    drawFound(dense ? [] : rows);
    drawHighlights();
    drawNames();
    paint.rows = dense ? [] : rows;
    paint.dense = dense;
    paint.milliseconds = performance.now() - began;
    ++paint.frames;
  }

  const paint = {
    rows: [], dense: false, milliseconds: 0, frames: 0, draw, ends, label, roleNames, groupColours, canvas,
    colours: () => colours,
  };
  readColours();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    readColours();
    view.changed();
  });
  new ResizeObserver(() => view.changed()).observe(canvas);
  view.onChange(draw);
  Explain.paint = paint;
})();

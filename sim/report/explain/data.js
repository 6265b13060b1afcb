// The run, out of the page: columns of differences become typed arrays. Makes the one global,
// Explain, that every other script adds itself to.
const Explain = {};

(() => {
  'use strict';

  const raw = JSON.parse(document.getElementById('run').textContent);

  function sums(differences) {
    const values = new Float64Array(differences.length);
    let sum = 0;
    for (let i = 0; i < differences.length; ++i) values[i] = sum += differences[i];
    return values;
  }

  function messages(columns) {
    const sent = sums(columns.sent);
    const end = new Float64Array(sent.length);  // arrival; when it was sent, if it never arrived
    const newestEnd = new Float64Array(sent.length);  // of this and those before it
    for (let i = 0; i < sent.length; ++i) {
      end[i] = sent[i] + Math.max(columns.took[i], 0);
      newestEnd[i] = Math.max(end[i], i > 0 ? newestEnd[i - 1] : 0);
    }
    return {
      count: sent.length,
      sent,
      end,
      newestEnd,
      arrived: Uint8Array.from(columns.took, (took) => (took >= 0 ? 1 : 0)),
      event: sums(columns.event),
      came: columns.came,
      from: Uint16Array.from(columns.from),
      to: Uint16Array.from(columns.to),
      group: Uint8Array.from(columns.group),
      fate: Uint8Array.from(columns.fate),
      again: Uint8Array.from(columns.again),
      words: Uint32Array.from(columns.words),
    };
  }

  function points(columns) {
    return {
      count: columns.at.length,
      at: sums(columns.at),
      event: sums(columns.event),
      lane: Uint16Array.from(columns.lane),
      group: Uint8Array.from(columns.group),
      weight: Uint8Array.from(columns.weight),
      words: Uint32Array.from(columns.words),
    };
  }

  const span = (names) => (row) => Object.fromEntries(names.map((name, i) => [name, row[i]]));

  const data = {
    run: raw.run,
    nodes: raw.nodes,
    lanes: raw.nodes + raw.clients,
    from: raw.from,
    until: raw.until,
    groups: raw.groups,
    strings: raw.strings,
    violation: raw.violation || null,
    messages: messages(raw.messages),
    points: points(raw.points),
    roles: raw.roles.map(span(['lane', 'from', 'until', 'role', 'term'])),
    faults: raw.faults.map(span(['kind', 'number', 'on', 'from', 'until'])),  // on no lane: done to links
    cuts: raw.cuts.map(span(['lane', 'to', 'from', 'until'])),
    clogs: raw.clogs.map(span(['lane', 'to', 'from', 'until'])),
    operations: raw.operations.map(span(['lane', 'from', 'until', 'asked', 'answer', 'outcome'])),
    highlights: raw.highlights.map(span(['message', 'row', 'why'])),
  };
  data.highlightedMessages = new Set(data.highlights.filter((h) => h.message).map((h) => h.row));
  data.timeOf = (highlight) =>
    highlight.message ? data.messages.sent[highlight.row] : data.points.at[highlight.row];
  data.nameOf = (lane) => (lane < data.nodes ? `n${lane + 1}` : `c${lane - data.nodes + 1}`);
  // The first index whose value is at least `value`, in an array that grows.
  data.lowerBound = (array, value) => {
    let low = 0;
    let high = array.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (array[middle] < value) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  Explain.data = data;
})();

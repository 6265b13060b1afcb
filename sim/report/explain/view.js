// What part of the run is in view, and what is hidden. Whoever changes it calls changed(), and
// everything is drawn once in the next frame.
(() => {
  'use strict';

  const { data } = Explain;
  const whole = Math.max(data.until - data.from, 1);
  const margin = whole * 0.02;
  const least = Math.min(whole, 1000);  // nanoseconds
  const listeners = [];
  let waiting = false;

  const view = {
    from: data.from - margin,
    until: data.until + margin,
    left: 56,  // of the diagram, in CSS pixels, for the names of the lanes
    width: 100,  // of the rest
    hiddenLanes: new Set(),
    hiddenGroups: new Set(),
    found: null,  // numbers of strings that a search found
    current: -1,  // the highlight that n and p came to
    onChange(listener) {
      listeners.push(listener);
    },
    changed() {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        for (const listener of listeners) listener();
      });
    },
    x(at) {
      return view.left + ((at - view.from) / (view.until - view.from)) * view.width;
    },
    time(x) {
      return view.from + ((x - view.left) / view.width) * (view.until - view.from);
    },
    set(from, until) {
      const span = Math.min(Math.max(until - from, least), whole + 2 * margin);
      const first = Math.min(Math.max(from, data.from - margin), data.until + margin - span);
      view.from = first;
      view.until = first + span;
      view.changed();
    },
    all() {
      view.set(data.from - margin, data.until + margin);
    },
    move(part) {
      const by = part * (view.until - view.from);
      view.set(view.from + by, view.until + by);
    },
    zoom(factor, at = (view.from + view.until) / 2) {
      const span = Math.min(Math.max((view.until - view.from) * factor, least), whole + 2 * margin);
      const part = (at - view.from) / (view.until - view.from);
      view.set(at - part * span, at - part * span + span);
    },
    centre(at) {
      const half = (view.until - view.from) / 2;
      view.set(at - half, at + half);
    },
  };
  Explain.view = view;
})();

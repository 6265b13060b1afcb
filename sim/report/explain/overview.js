// The whole run in a strip: how much went on, what is highlighted, and the part in view, which can
// be dragged.
(() => {
  'use strict';

  const { data, view, paint } = Explain;
  const canvas = document.getElementById('overview');
  const context = canvas.getContext('2d');
  const columns = 600;
  const counts = new Uint32Array(columns);
  const span = Math.max(data.until - data.from, 1);
  let grip = null;  // time between the pointer and the middle of the view

  for (const at of data.messages.sent) {
    ++counts[Math.min(Math.max(Math.floor(((at - data.from) / span) * columns), 0), columns - 1)];
  }
  const most = Math.max(...counts, 1);

  const x = (at) => view.left + ((at - data.from) / span) * (canvas.clientWidth - view.left - 16);
  const time = (px) => data.from + ((px - view.left) / (canvas.clientWidth - view.left - 16)) * span;

  function draw() {
    const ratio = window.devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = canvas;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const colours = paint.colours();
    context.fillStyle = colours.panel;
    context.fillRect(0, 0, width, height);
    context.fillStyle = colours.follower;
    const each = (width - view.left - 16) / columns;
    counts.forEach((count, i) => {
      const high = (height - 12) * Math.sqrt(count / most);
      context.fillRect(view.left + i * each, height - 4 - high, Math.max(each, 1), high);
    });
    context.fillStyle = colours.leader;
    for (const role of data.roles) {
      if (role.role === 5) context.fillRect(x(Math.max(role.from, data.from)), 3, 2, 4);
    }
    context.fillStyle = colours.accent;
    for (const highlight of data.highlights) context.fillRect(x(data.timeOf(highlight)) - 0.5, 0, 1.5, height);
    if (data.violation) {
      context.fillStyle = colours.broken;
      context.fillRect(x(data.violation.at) - 1, 0, 3, height);
    }
    const from = Math.max(x(view.from), view.left - 4);
    const until = Math.min(x(view.until), width - 10);
    context.strokeStyle = colours.text;
    context.strokeRect(from + 0.5, 1.5, Math.max(until - from, 3), height - 3);
    context.globalAlpha = 0.1;
    context.fillStyle = colours.text;
    context.fillRect(from, 1, Math.max(until - from, 3), height - 3);
    context.globalAlpha = 1;
  }

  canvas.addEventListener('pointerdown', (event) => {
    const at = time(event.offsetX);
    const inside = at >= view.from && at <= view.until;
    grip = inside ? (view.from + view.until) / 2 - at : 0;
    canvas.setPointerCapture(event.pointerId);
    view.centre(at + grip);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (grip !== null) view.centre(time(event.offsetX) + grip);
  });
  const stop = () => {
    grip = null;
  };
  canvas.addEventListener('pointerup', stop);
  canvas.addEventListener('pointercancel', stop);
  view.onChange(draw);
})();

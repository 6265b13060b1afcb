// The first look: the last highlighted events before the violation, or the whole run.
(() => {
  'use strict';

  const { data, view, paint } = Explain;
  const end = data.violation ? data.violation.at : data.until;
  const times = data.highlights.map(data.timeOf).filter((at) => at <= end);
  const last = times.slice(-12);
  if (data.violation && last.length > 1 && end > last[0]) view.set(end - (end - last[0]) * 1.15, end + (end - last[0]) * 0.1);
  paint.draw();
  view.changed();
  paint.canvas.focus({ preventScroll: true });
})();

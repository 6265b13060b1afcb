// The keyboard, and the buttons, which are keys with a name.
(() => {
  'use strict';

  const { data, view, panel } = Explain;
  const help = document.getElementById('help');
  const filters = document.getElementById('filters');

  function toggleFilters() {
    filters.hidden = !filters.hidden;
    document.querySelector('[data-key=f]').setAttribute('aria-expanded', String(!filters.hidden));
    view.changed();
  }

  // From nowhere, n is the first one and p the last.
  const next = () => panel.goTo(view.current + 1);
  const previous = () => panel.goTo(view.current < 0 ? data.highlights.length - 1 : view.current - 1);

  const actions = {
    ArrowLeft: (event) => view.move(event.shiftKey ? -1 : -0.1),
    ArrowRight: (event) => view.move(event.shiftKey ? 1 : 0.1),
    ArrowUp: () => view.zoom(1 / 1.4),
    ArrowDown: () => view.zoom(1.4),
    Home: () => view.centre(data.from),
    End: () => view.centre(data.until),
    '+': () => view.zoom(1 / 1.6),
    '=': () => view.zoom(1 / 1.6),
    '-': () => view.zoom(1.6),
    0: () => view.all(),
    n: next,
    p: previous,
    f: toggleFilters,
    '/': () => panel.search.focus(),
    '?': () => (help.open ? help.close() : help.showModal()),
    Escape: () => !filters.hidden && toggleFilters(),
  };

  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches('input[type=search]')) return;
    const action = Object.hasOwn(actions, event.key) ? actions[event.key] : null;
    if (!action || (help.open && event.key !== '?')) return;
    if (event.key !== 'Escape') event.preventDefault();
    action(event);
  });
  for (const button of document.querySelectorAll('[data-key]')) {
    button.addEventListener('click', (event) => actions[button.dataset.key](event));
  }
})();

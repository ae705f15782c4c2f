// What hangs together: notices, keys, the theme, the start.
const KEYS = [
  ['/', 'search'], ['← ↑ → ↓', 'move; with Shift, select'], ['Enter', 'look at the image'], ['Space', 'select the image'],
  ['Ctrl A', 'select all that are shown'], ['t', 'type a tag, for the selection or in the view'], ['Esc', 'close, or clear the selection'],
  ['1 – 9', 'in the view: set or remove the tag in that row'], ['c', 'in the view: the tags are right'],
  ['← →', 'in the view: previous, next'], ['u or Ctrl Z', 'undo'], ['s', 'save'], ['?', 'this help'],
];
let noticeAction = null;

function notice(text, label = '', action = null) {
  by('notice-text').textContent = text;
  by('notice-do').textContent = label;
  by('notice-do').hidden = !action;
  noticeAction = action;
  by('notice').hidden = false;
}

// Called after corrections: what is in sight follows, but nothing leaves it.
function showCorrected(rows) {
  for (const row of rows) doubts[row] = -1;
  const count = touchedRows().length;
  by('undo').disabled = !steps.length;
  by('corrections').hidden = !count;
  by('corrections').textContent = whole(count);
  by('save-open').setAttribute('aria-label', count ? `Save, ${counted(count, 'image')} corrected` : 'Save');
  if (by('view').open && rows.includes(viewedRow())) fillTags();
  if (!by('tune').hidden) tune();
  else redraw();
  drawCharts();
}

function theme(chosen) {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  let saved = null;
  try {
    if (chosen) localStorage.setItem('poster-tagger theme', chosen);
    saved = localStorage.getItem('poster-tagger theme');
  } catch { /* it is as the system has it */ }
  document.documentElement.dataset.theme = chosen ?? saved ?? (dark.matches ? 'dark' : 'light');
}

function pageKey(event) {
  const open = document.querySelector('dialog[open]');
  const isTyping = event.target.matches('input:not([type="range"]), textarea, select');
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'z' && !event.shiftKey && !isTyping) {
    undo();
    return true;
  }
  if (event.key === 'Escape' && !open && by('filters').classList.contains('open')) toggleFilters(false);
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping) return false;
  if (event.key === 'u') undo();
  else if (open) return false;
  else if (event.key === '/') by('search').focus();
  else if (event.key === 's') openSave();
  else if (event.key === '?') by('help').showModal();
  else if (event.key === 't' && shown.length) {
    if (!selection.size) select(active, {on: true});
    by('selection-tag').focus();
  } else return false;
  return true;
}

function toggleFilters(open = !by('filters').classList.contains('open')) {
  by('filters').classList.toggle('open', open);
  by('filters-open').setAttribute('aria-expanded', open);
}

function start() {
  theme();
  by('title').textContent = DATA.table;
  if (DATA.part !== null) {
    const first = DATA.first + 1, last = DATA.first + COUNT;
    by('pages').hidden = by('covered').hidden = false;
    by('covered').textContent = `This page has images ${whole(first)} to ${whole(last)} of ${whole(DATA.total)}, by ${DATA.order}. `
      + 'Filters, charts, thresholds and "Save" concern these alone.';
    by('pages').append('Page ', ...DATA.parts.map((page, place) => {
      const link = make('a', {href: page, textContent: place + 1});
      if (place === DATA.part) link.setAttribute('aria-current', 'page');
      return link;
    }), `of ${counted(DATA.total, 'image')}`);
  }
  by('keys').append(...KEYS.map(([key, does]) => make('tr', {}, make('td', {}, make('kbd', {textContent: key})), make('td', {textContent: does}))));
  for (const id of ['view', 'save', 'help']) {
    by(`${id}-close`).addEventListener('click', () => by(id).close());
    by(id).addEventListener('click', event => { if (event.target === by(id)) by(id).close(); });
  }
  by('theme').addEventListener('click', () => theme(document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark'));
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => theme());
  by('undo').addEventListener('click', undo);
  by('help-open').addEventListener('click', () => by('help').showModal());
  by('notice-close').addEventListener('click', () => { by('notice').hidden = true; });
  by('notice-do').addEventListener('click', () => { by('notice').hidden = true; noticeAction?.(); });
  by('filters-open').addEventListener('click', () => toggleFilters());
  addEventListener('keydown', event => { if (!event.defaultPrevented && pageKey(event)) event.preventDefault(); });
  buildFilters();
  buildGrid();
  buildView();
  buildTune();
  buildSave();
  restore();
  measure();
  refresh();
  showCorrected([]);
  by('grid').focus({preventScroll: true});
}
start();

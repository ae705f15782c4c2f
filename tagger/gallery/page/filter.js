// Which images are shown, and in which order.
const filter = {text: '', status: 'all', mode: 'any', wanted: new Set(), unwanted: new Set(), label: -1, from: 0, to: 1};
let order = 'given';
let shown = [];                 // images, in the order in which they are shown
let texts = null;               // what the search looks at

const STATUS = [
  ['all', 'all images', () => true],
  ['tagged', 'with tags', row => tagsOf(row).length > 0],
  ['untagged', 'without tags', row => !DATA.errors[row] && tagsOf(row).length === 0],
  ['failed', 'failed', row => row in DATA.errors],
  ['missing', 'without a picture', row => row in DATA.missing],
  ['corrected', 'corrected', isTouched],
  ['open', 'not yet corrected', row => !isTouched(row)],
  ['wrong', 'with a wrong tag', row => row in DATA.truth && tagsOf(row).some(tag => !DATA.truth[row].includes(tag))],
  ['lacking', 'lacking a known tag', row => row in DATA.truth && DATA.truth[row].some(tag => !tagsOf(row).includes(tag))],
  ['gained', 'gaining the tag', row => moves.gained.has(row)],
  ['lost', 'losing the tag', row => moves.lost.has(row)],
];

function matches() {
  const text = filter.text.trim().toLowerCase();
  if (text && !texts) texts = DATA.paths.map((path, row) => `${path}\n${DATA.titles[row]}`.toLowerCase());
  const status = STATUS.find(([key]) => key === filter.status)[2];
  const wanted = [...filter.wanted], unwanted = [...filter.unwanted];
  const ranged = filter.label >= 0;
  const from = Math.round(filter.from * 10000), to = Math.round(filter.to * 10000);
  const found = [];
  for (let row = 0; row < COUNT; row++) {
    if (!status(row) || (text && !texts[row].includes(text))) continue;
    if (wanted.length || unwanted.length) {
      const tags = tagsOf(row);
      const has = tag => tags.includes(tag);
      if (unwanted.some(has)) continue;
      if (wanted.length && !(filter.mode === 'all' ? wanted.every(has) : wanted.some(has))) continue;
    }
    if (ranged) {
      const value = SCORES[row * LABELS.length + filter.label];
      if (value === UNKNOWN || value < from || value > to) continue;
    }
    found.push(row);
  }
  return found;
}

let ranks = null;
function ranksByPath() {
  if (!ranks) {
    ranks = new Uint32Array(COUNT);
    const rows = DATA.paths.map((_, row) => row);
    if (DATA.order !== 'path') rows.sort((a, b) => DATA.paths[a] < DATA.paths[b] ? -1 : 1);
    rows.forEach((row, rank) => { ranks[row] = rank; });
  }
  return ranks;
}

function sorted(rows) {
  if (order === 'given') return rows;
  // Whole numbers that hold the image as well: an array of these is sorted without a function.
  const keys = new Float64Array(rows.length), label = Math.max(0, filter.label);
  const keyOf = {
    path: row => ranksByPath()[row],
    doubt: row => -Math.round(doubtOf(row) * 10000),
    falling: row => -wholeScore(row, label, 0),
    rising: row => wholeScore(row, label, UNKNOWN),
  }[order];
  rows.forEach((row, place) => { keys[place] = keyOf(row) * COUNT + row; });
  keys.sort();
  return Array.from(keys, key => ((key % COUNT) + COUNT) % COUNT);
}

// A probability in ten-thousandths.
function wholeScore(row, label, otherwise) {
  const value = SCORES[row * LABELS.length + label];
  return value === UNKNOWN ? otherwise : value;
}

const isFiltered = () => Boolean(
  filter.text.trim() || filter.status !== 'all' || filter.wanted.size || filter.unwanted.size ||
  (filter.label >= 0 && (filter.from > 0 || filter.to < 1)));

// Show what matches now; `stay` keeps the place where the grid is.
function refresh(stay = false) {
  shown = sorted(matches());
  by('count').textContent = shown.length === COUNT ? counted(COUNT, 'image') : `${whole(shown.length)} of ${counted(COUNT, 'image')}`;
  by('reset').hidden = !isFiltered();
  by('empty').hidden = shown.length > 0;
  showGrid(stay);
  drawCharts();
}

function resetFilter() {
  Object.assign(filter, {text: '', status: 'all', from: 0, to: 1});
  filter.wanted.clear();
  filter.unwanted.clear();
  by('search').value = '';
  by('status').value = 'all';
  by('range-from').value = 0;
  by('range-to').value = 100;
  refresh();
}

function buildFilters() {
  const option = ([value, text]) => make('option', {value, textContent: text});
  by('status').append(...STATUS.filter(([key]) => {
    if (key === 'missing') return Object.keys(DATA.missing).length;
    return (key !== 'wrong' && key !== 'lacking') || Object.keys(DATA.truth).length;
  }).map(option));
  const orders = [['given', DATA.order], ...(DATA.order === 'path' ? [] : [['path', 'path']])];
  if (LABELS.length) {
    if (DATA.order === 'path') orders.push(['doubt', 'least sure']);
    orders.push(['falling', 'probability, high first'], ['rising', 'probability, low first']);
  }
  by('sort').append(...orders.map(option));
  by('range-label').append(option([-1, 'any label']), ...LABELS.map((label, place) => option([place, label])));
  by('range-section').hidden = !LABELS.length;
  by('search').addEventListener('input', () => { filter.text = by('search').value; refresh(); });
  by('status').addEventListener('change', () => { filter.status = by('status').value; refresh(); });
  by('sort').addEventListener('change', () => {
    order = by('sort').value;
    if ((order === 'falling' || order === 'rising') && filter.label < 0) {
      filter.label = 0;
      by('range-label').value = 0;
    }
    refresh();
  });
  by('range-label').addEventListener('change', () => { filter.label = Number(by('range-label').value); refresh(); });
  for (const [id, key, otherwise] of [['range-from', 'from', 0], ['range-to', 'to', 100]]) {
    by(id).addEventListener('input', () => {
      const typed = by(id).value === '' ? otherwise : Number(by(id).value);
      filter[key] = Math.min(1, Math.max(0, typed / 100));
      refresh();
    });
  }
  for (const mode of ['any', 'all']) by(`mode-${mode}`).addEventListener('click', () => { filter.mode = mode; refresh(); });
  by('reset').addEventListener('click', () => { resetFilter(); by('grid').focus(); });
  by('empty-reset').addEventListener('click', () => { resetFilter(); by('grid').focus(); });
}

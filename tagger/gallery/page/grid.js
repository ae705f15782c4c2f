// The grid: only the rows that are in sight are elements.
const GAP = 14, CAPTION = 78, LEAST_WIDTH = 148, ROWS_AROUND = 2, MOST_PRINTED = 400;
const selection = new Set();
let columns = 1, rowHeight = 1, picHeight = 1;
let active = 0;                 // the place of the image that has the focus, among those that are shown
let anchor = 0;                 // where a selection of several begins
let drawn = new Map();          // row → its element
let spare = [];
let frame = 0;
let gridHeight = 0, scrolled = 0;
let settling = 0;               // a timer, while pictures wait for the end of a quick scroll
const SETTLED = 90;             // milliseconds

// Whatever is read here makes the browser lay the page out, so that is done when the window changes alone.
function measure() {
  gridHeight = by('grid').clientHeight;
  const narrow = innerWidth <= 576;
  const width = by('grid').clientWidth - (narrow ? 16 : 29), least = narrow ? 104 : LEAST_WIDTH;
  const count = Math.max(narrow ? 2 : 1, Math.floor((width + GAP) / (least + GAP)));
  if (count !== columns) {
    by('sizer').replaceChildren();
    drawn.clear();
    spare = [];
  }
  columns = count;
  picHeight = Math.round((width - GAP * (columns - 1)) / columns * 1.5);
  rowHeight = picHeight + CAPTION + GAP;
}

const rowCount = () => Math.ceil(shown.length / columns);

function showGrid(stay) {
  if (selection.size) {
    const seen = new Set(shown);
    for (const row of selection) if (!seen.has(row)) selection.delete(row);
  }
  const height = Math.max(0, rowCount() * rowHeight - GAP);
  if (!stay) {
    if (scrolled) by('grid').scrollTop = scrolled = 0;
    active = anchor = 0;
  }
  scrolled = Math.max(0, Math.min(scrolled, height + 2 * GAP - gridHeight));
  active = Math.max(0, Math.min(active, shown.length - 1));
  by('sizer').style.height = `${height}px`;
  by('grid').setAttribute('aria-rowcount', rowCount());
  by('grid').setAttribute('aria-colcount', columns);
  redraw();
  showSelection();
}

// Draw everything in sight anew.
function redraw() {
  for (const [, element] of drawn) spare.push(element);
  drawn = new Map();
  draw();
}

function draw() {
  const first = Math.max(0, Math.floor(scrolled / rowHeight) - ROWS_AROUND);
  const last = Math.min(rowCount() - 1, Math.ceil((scrolled + gridHeight) / rowHeight) + ROWS_AROUND);
  for (const [number, element] of drawn) {
    if (number < first || number > last) {
      spare.push(element);
      drawn.delete(number);
    }
  }
  for (let number = first; number <= last; number++) {
    if (!drawn.has(number)) drawn.set(number, fillRow(spare.shift() ?? newRow(), number));
  }
  if (settling) for (const element of drawn.values()) { if (!element.isConnected) by('sizer').append(element); }
  else putInOrder();
  for (const element of spare) element.remove();
  markActive();
}

// Nobody sees a picture that flies past: decoding it would only make the rest stutter.
function drawScrolled() {
  frame = 0;
  const top = by('grid').scrollTop;
  const isQuick = Math.abs(top - scrolled) > gridHeight / 2;
  scrolled = top;
  if (isQuick || settling) {
    clearTimeout(settling);
    settling = setTimeout(settle, SETTLED);
  }
  draw();
}

function settle() {
  settling = 0;
  for (const element of drawn.values()) for (const cell of element.children) showPicture(cell);
  putInOrder();
}

function newRow() {
  const row = make('div', {className: 'row', role: 'row'});
  row.style.gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;
  row.style.height = `${rowHeight - GAP}px`;
  for (let column = 0; column < columns; column++) {
    const parts = {
      pic: make('div', {className: 'pic'}), why: make('span', {className: 'why'}), name: make('span', {className: 'name'}),
      tags: make('span', {className: 'tags'}), score: make('span', {className: 'score'}),
      pick: make('span', {className: 'pick', textContent: '✓', 'aria-hidden': 'true'}),
      touched: make('span', {className: 'badge touched', textContent: '✎', title: 'corrected'}),
    };
    const cell = make('div', {className: 'cell', role: 'gridcell', 'aria-colindex': column + 1}, parts.pic,
      make('div', {className: 'cap'}, parts.name, parts.tags), parts.pick, parts.touched);
    parts.pic.style.height = `${picHeight}px`;
    parts.pic.append(parts.why, parts.score);
    row.append(Object.assign(cell, {parts, image: null, source: ''}));
  }
  return row;
}

function fillRow(element, number) {
  element.setAttribute('aria-rowindex', number + 1);
  element.style.transform = `translateY(${number * rowHeight}px)`;
  [...element.children].forEach((cell, column) => fillCell(cell, number * columns + column));
  return element;
}

// Who reads the page aloud goes by the order of the elements.
function putInOrder() {
  let next = by('sizer').firstChild;
  for (const number of [...drawn.keys()].sort((a, b) => a - b)) {
    const element = drawn.get(number);
    if (element === next) next = element.nextSibling;
    else by('sizer').insertBefore(element, next);
  }
}

function fillCell(cell, place) {
  const row = shown[place];
  cell.classList.toggle('blank', row === undefined);
  cell.place = place;
  cell.toggleAttribute('aria-hidden', row === undefined);
  if (row === undefined) {
    cell.removeAttribute('id');
    cell.removeAttribute('aria-label');
    cell.setAttribute('aria-hidden', 'true');
    return;
  }
  const {why, name, tags, score, touched} = cell.parts;
  cell.id = `image-${row}`;
  showPicture(cell);
  why.textContent = DATA.errors[row] ?? DATA.missing[row] ?? '';
  const label = order === 'falling' || order === 'rising' || filter.label >= 0 ? Math.max(0, filter.label) : -1;
  const shownScore = label >= 0 && scoreOf(row, label) !== null ? `${LABELS[label]} ${percent(scoreOf(row, label))}` : '';
  const isDoubted = order === 'doubt' || (DATA.order === 'least sure' && order === 'given');
  score.textContent = shownScore || (isDoubted ? `doubt ${doubtOf(row).toFixed(1)}` : '');
  score.hidden = !score.textContent;
  name.textContent = titleOf(row);
  name.title = DATA.paths[row];
  tags.replaceChildren(...tagNodes(row));
  touched.hidden = !isTouched(row);
  cell.setAttribute('aria-label', [titleOf(row), tags.textContent, shownScore, isTouched(row) ? 'corrected' : ''].filter(Boolean).join('; '));
  cell.setAttribute('aria-selected', selection.has(row));
}

function showPicture(cell) {
  const row = shown[cell.place];
  const source = row === undefined ? '' : thumbnailOf(row) ?? '';
  cell.parts.why.hidden = Boolean(source);
  if (cell.source === source && (cell.image || !source)) return;
  cell.image?.remove();         // another source would leave the former picture there for a while
  cell.source = source;
  cell.image = source && !settling ? make('img', {src: source, alt: '', decoding: 'async', draggable: false}) : null;
  if (cell.image) cell.parts.pic.prepend(cell.image);
}

function tagNodes(row) {
  if (!moves.rows.has(row) && tagsOf(row).length) return [tagsOf(row).map(tag => NAMES[tag]).join(', ')];
  const nodes = [];
  const add = (text, className = '') => {
    if (nodes.length) nodes.push(', ');
    nodes.push(make('span', {textContent: text, className}));
  };
  const moved = moves.rows.get(row) ?? [];
  for (const [label, gains] of moved) add(`${gains ? '+' : '−'}${NAMES[label]}`, gains ? 'plus' : 'minus');
  for (const tag of tagsOf(row)) if (!moved.some(([label]) => PLACE[label] === tag)) add(NAMES[tag]);
  if (!nodes.length) add(DATA.errors[row] ? 'failed' : 'no tags', 'none');
  return nodes;
}

function markActive() {
  const row = shown.length ? drawn.get(Math.floor(active / columns)) : null;
  const cell = row ? row.children[active % columns] : null;
  for (const former of by('sizer').getElementsByClassName('active')) if (former !== cell) former.classList.remove('active');
  cell?.classList.add('active');
  if (cell) by('grid').setAttribute('aria-activedescendant', cell.id);
  else by('grid').removeAttribute('aria-activedescendant');
}

// Move the focus within the grid, and bring it into sight.
function activate(place) {
  if (!shown.length) return;
  active = Math.max(0, Math.min(shown.length - 1, place));
  const grid = by('grid'), top = Math.floor(active / columns) * rowHeight;
  if (top < grid.scrollTop) grid.scrollTop = top;
  else if (top + rowHeight + GAP > grid.scrollTop + gridHeight) grid.scrollTop = top + rowHeight + GAP - gridHeight;
  scrolled = grid.scrollTop;
  draw();
}

function select(place, {range = false, on} = {}) {
  const row = shown[place];
  if (row === undefined) return;
  if (range) {
    for (let i = Math.min(anchor, place); i <= Math.max(anchor, place); i++) selection.add(shown[i]);
  } else {
    anchor = place;
    if (on ?? !selection.has(row)) selection.add(row);
    else selection.delete(row);
  }
  redraw();
  showSelection();
}

function showSelection() {
  by('selection').hidden = selection.size === 0;
  by('selected').textContent = `${counted(selection.size, 'image')} selected`;
  by('grid').classList.toggle('selecting', selection.size > 0);
}

function clearSelection() {
  selection.clear();
  redraw();
  showSelection();
  by('grid').focus();
}

function gridKey(event) {
  if (event.ctrlKey || event.metaKey) {
    if (event.key.toLowerCase() !== 'a') return false;
    shown.forEach(row => selection.add(row));
    redraw();
    showSelection();
    return true;
  }
  const page = Math.max(1, Math.floor(gridHeight / rowHeight)) * columns;
  const moved = {
    ArrowLeft: active - 1, ArrowRight: active + 1, ArrowUp: active - columns, ArrowDown: active + columns,
    Home: 0, End: shown.length - 1, PageUp: active - page, PageDown: active + page,
  }[event.key];
  if (moved !== undefined) {
    if (event.key === 'ArrowUp' && moved < 0) return true;
    activate(moved);
    if (event.shiftKey) select(active, {range: true});
    return true;
  }
  if (event.key === 'Enter') openView(active);
  else if (event.key === ' ') select(active, {range: event.shiftKey});
  else if (event.key === 'Escape' && selection.size) clearSelection();
  else return false;
  return true;
}

// Printed are the first images that are shown, all as elements.
function drawForPrint() {
  const rows = Math.ceil(Math.min(shown.length, MOST_PRINTED) / columns);
  by('sizer').replaceChildren();
  drawn = new Map();
  spare = [];
  clearTimeout(settling);
  settling = 0;
  for (let number = 0; number < rows; number++) drawn.set(number, fillRow(newRow(), number));
  putInOrder();
}

function buildGrid() {
  const grid = by('grid');
  grid.addEventListener('scroll', () => { frame ||= requestAnimationFrame(drawScrolled); }, {passive: true});
  grid.addEventListener('click', event => {
    const cell = event.target.closest('.cell');
    if (!cell || shown[cell.place] === undefined) return;
    active = cell.place;
    if (event.shiftKey) select(active, {range: true});
    else if (event.target.closest('.pick') || event.ctrlKey || event.metaKey) select(active);
    else openView(active);
  });
  grid.addEventListener('keydown', event => { if (gridKey(event)) event.preventDefault(); });
  new ResizeObserver(() => {
    measure();
    showGrid(true);
  }).observe(grid);
  addEventListener('beforeprint', drawForPrint);
  addEventListener('afterprint', redraw);
  const typed = () => {
    const place = placeOf(by('selection-tag').value);
    if (place === null) notice('Type the name of a tag, without “|”.');
    return place;
  };
  const act = on => {
    const place = typed();
    if (place === null) return;
    setTag([...selection], place, on);
    by('selection-tag').value = '';
  };
  by('selection-add').addEventListener('click', () => act(true));
  by('selection-remove').addEventListener('click', () => act(false));
  by('selection-tag').addEventListener('keydown', event => { if (event.key === 'Enter') act(true); });
  by('selection-right').addEventListener('click', () => correct([...selection], tags => [...tags]));
  by('selection-clear').addEventListener('click', clearSelection);
}

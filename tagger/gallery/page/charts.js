// How often each tag is among the images that are shown, and which come together; each filters on click.
const MOST_BARS = 200;
const MOST_PAIRS = 12;
const bars = new Map();         // tag → its parts in the list
let used = -1;                  // tags that any image has

function drawCharts() {
  if (!tagsAreListed()) listTags();
  const listed = [...bars.keys()].sort((a, b) => a - b), size = listed.length;
  const placeAmong = new Int16Array(NAMES.length).fill(-1);
  listed.forEach((tag, place) => { placeAmong[tag] = place; });
  const counts = new Uint32Array(NAMES.length), together = new Uint32Array(size * size);
  for (const row of shown) {
    const tags = tagsOf(row);
    for (let i = 0; i < tags.length; i++) {
      counts[tags[i]]++;
      const one = placeAmong[tags[i]];
      for (let j = i + 1; one >= 0 && j < tags.length; j++) {
        const other = placeAmong[tags[j]];
        if (other >= 0) together[Math.min(one, other) * size + Math.max(one, other)]++;
      }
    }
  }
  const most = Math.max(1, ...counts);
  for (const [tag, bar] of bars) {
    bar.fill.style.width = `${counts[tag] / most * 100}%`;
    bar.number.textContent = whole(counts[tag]);
    bar.button.setAttribute('aria-pressed', filter.wanted.has(tag));
    bar.not.setAttribute('aria-pressed', filter.unwanted.has(tag));
    bar.item.classList.toggle('out', filter.unwanted.has(tag));
    bar.item.classList.toggle('zero', !counts[tag]);
  }
  for (const mode of ['any', 'all']) by(`mode-${mode}`).setAttribute('aria-pressed', filter.mode === mode);
  const pairs = [];
  together.forEach((count, key) => { if (count) pairs.push([listed[Math.floor(key / size)], listed[key % size], count]); });
  drawPairs(pairs.sort((a, b) => b[2] - a[2] || a[0] - b[0] || a[1] - b[1]).slice(0, MOST_PAIRS));
}

function countTags() {
  const counts = new Uint32Array(NAMES.length);
  for (let row = 0; row < COUNT; row++) for (const tag of tagsOf(row)) counts[tag]++;
  return counts;
}

// Corrections may use a tag for the first time, or for the last.
const tagsAreListed = () => used >= 0 && (!corrections.size || used === countTags().filter(Boolean).length);

// The list follows the whole set, so that it stays in place while the filter changes.
function listTags() {
  const counts = countTags();
  const tags = [...NAMES.keys()].filter(tag => NAMES.indexOf(NAMES[tag]) === tag);
  tags.sort((a, b) => counts[b] - counts[a] || a - b);
  used = counts.filter(Boolean).length;
  bars.clear();
  by('genres').replaceChildren(...tags.slice(0, Math.min(used, MOST_BARS)).map(tag => {
    const fill = make('i'), number = make('span', {className: 'n'});
    const button = make('button', {type: 'button', className: 'bar'}, fill, make('span', {textContent: NAMES[tag]}), number);
    const not = make('button', {type: 'button', className: 'not', textContent: 'not', 'aria-label': `Not ${NAMES[tag]}`});
    const item = make('li', {}, button, not);
    button.addEventListener('click', () => toggle(filter.wanted, filter.unwanted, tag));
    not.addEventListener('click', () => toggle(filter.unwanted, filter.wanted, tag));
    bars.set(tag, {item, button, not, fill, number});
    return item;
  }));
  by('tag-names').replaceChildren(...tags.map(tag => make('option', {value: NAMES[tag]})));
}

function toggle(set, other, tag) {
  if (!set.delete(tag)) set.add(tag);
  other.delete(tag);
  refresh();
}

function drawPairs(pairs) {
  by('pairs-section').hidden = !pairs.length;
  const most = pairs.length ? pairs[0][2] : 1;
  const focused = [...by('pairs').querySelectorAll('button')].indexOf(document.activeElement);
  by('pairs').replaceChildren(...pairs.map(([first, second, count]) => {
    const pair = [first, second];
    const isOn = filter.mode === 'all' && filter.wanted.size === 2 && pair.every(tag => filter.wanted.has(tag));
    const fill = make('i');
    fill.style.width = `${count / most * 100}%`;
    const button = make('button', {type: 'button', className: 'bar', 'aria-pressed': isOn}, fill,
      make('span', {textContent: pair.map(tag => NAMES[tag]).join(' + ')}), make('span', {className: 'n', textContent: whole(count)}));
    button.addEventListener('click', () => {
      filter.wanted.clear();
      if (!isOn) {
        pair.forEach(tag => { filter.wanted.add(tag); filter.unwanted.delete(tag); });
        filter.mode = 'all';
      }
      refresh();
    });
    return make('li', {}, button);
  }));
  if (focused >= 0) by('pairs').querySelectorAll('button')[Math.min(focused, pairs.length - 1)]?.focus();
}

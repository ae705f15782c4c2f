// What a person corrected: kept in the browser, and taken back step by step.
const KEY = 'poster-tagger gallery ';
const corrections = new Map();  // image → the places of its tags, as a person has them
const steps = [];               // what was there before: lists of [image, tags or undefined]
let keeps = true;

const tagsOf = row => corrections.get(row) ?? DATA.tags[row];
const isTouched = row => corrections.has(row) || row in DATA.corrected;
// The tags that are known to be right: a person's, or those of the table of known tags; undefined for none.
const knownTags = row => isTouched(row) ? tagsOf(row) : DATA.truth[row];
const isChanged = row => corrections.has(row) && !sameTags(corrections.get(row), DATA.tags[row]);
const sameTags = (one, other) => one.length === other.length && one.every(tag => other.includes(tag));

// The place of a tag by its name, which may be new; null if it is no name for a tag.
function placeOf(name) {
  const text = name.trim();
  if (!text || text.includes('|') || /[\p{C}\p{Zl}\p{Zp}]/u.test(text)) return null;
  let place = NAMES.indexOf(text);
  if (place < 0) place = NAMES.findIndex(one => one.toLowerCase() === text.toLowerCase());
  if (place < 0) place = NAMES.push(text) - 1;
  return place;
}

// Give images other tags: `change` makes a list of tags of a list, or undefined for the table's own.
function correct(rows, change) {
  const step = rows.map(row => [row, corrections.get(row)]);
  for (const row of rows) {
    const tags = change(tagsOf(row), row);
    if (tags === undefined) corrections.delete(row);
    else corrections.set(row, tags);
  }
  steps.push(step);
  corrected(rows);
}

const setTag = (rows, place, on) => correct(rows, tags =>
  on === tags.includes(place) ? tags : on ? [...tags, place] : tags.filter(tag => tag !== place));

function undo() {
  const step = steps.pop();
  if (!step) return;
  for (const [row, tags] of step) {
    if (tags === undefined) corrections.delete(row);
    else corrections.set(row, tags);
  }
  corrected(step.map(([row]) => row));
}

// At once: a page that is left may run on, and write, when the next one has read already.
function corrected(rows) {
  keep();
  showCorrected(rows);
}

function keep() {
  const saved = {};
  for (const [row, tags] of corrections) saved[DATA.paths[row]] = tags.map(tag => NAMES[tag]);
  try {
    if (corrections.size) localStorage.setItem(KEY + DATA.digest, JSON.stringify({table: DATA.table, saved}));
    else localStorage.removeItem(KEY + DATA.digest);
    keeps = true;
  } catch {
    if (keeps) notice('This browser does not keep corrections: save them before you close the page.');
    keeps = false;
  }
}

function take(saved) {
  const rows = new Map(DATA.paths.map((path, row) => [path, row]));
  const taken = [];
  for (const [path, names] of Object.entries(saved)) {
    const row = rows.get(path);
    if (row === undefined || corrections.has(row) || !Array.isArray(names)) continue;
    const places = names.map(name => placeOf(String(name))).filter(place => place !== null);
    corrections.set(row, [...new Set(places)]);
    taken.push(row);
  }
  return taken;
}

function read(key) {
  try {
    const found = JSON.parse(localStorage.getItem(key));
    return found && typeof found.saved === 'object' && found.saved ? found : null;
  } catch {
    return null;
  }
}

// Corrections that were made in this page before; and those of an earlier page with the same images.
function restore() {
  let keys = [];
  try {
    keys = Object.keys(localStorage).filter(key => key.startsWith(KEY));
  } catch { /* the browser keeps nothing */ }
  const own = read(KEY + DATA.digest);
  if (own) {
    take(own.saved);
    return;
  }
  const paths = new Set(DATA.paths);
  for (const key of keys) {
    const found = read(key);
    const known = found ? Object.keys(found.saved).filter(path => paths.has(path)).length : 0;
    if (!known) continue;
    notice(`In an earlier gallery of ${found.table} you corrected ${counted(known, 'image')} that this one shows, too.`,
      'Take these over', () => {
        const taken = take(found.saved);
        steps.push(taken.map(row => [row, undefined]));
        corrected(taken);
      });
    return;
  }
}

addEventListener('beforeunload', event => {
  if (!keeps && corrections.size) event.preventDefault();
});

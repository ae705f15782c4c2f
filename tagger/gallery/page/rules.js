// Probabilities → tags, as tagger/rules.py does it.
const LEAST = RULES ? RULES.least : 0;
const MOST = RULES ? RULES.most : LABELS.length;
const NEVER = RULES ? RULES.never : LABELS.map(() => false);
const UNSURE = RULES ? RULES.unsure : 0;
// Of a table whose rules are not known there is nothing better to begin with.
const THRESHOLDS = RULES ? RULES.thresholds : LABELS.map(() => 0.5);

// The labels that become tags of an image: those that reach their thresholds first, each by probability.
function choose(row, thresholds) {
  const start = row * LABELS.length;
  const above = [];
  for (let label = 0; label < LABELS.length; label++) {
    const value = SCORES[start + label];
    if (value !== UNKNOWN && !NEVER[label] && value / 10000 >= thresholds[label]) above.push(label);
  }
  if (above.length <= MOST && above.length >= LEAST) return above;
  const order = (a, b) => SCORES[start + b] - SCORES[start + a] || a - b;
  if (above.length > MOST) {
    const ranked = above.sort(order);
    return ranked.slice(0, Math.max(MOST, 0)).concat(
      ranked.slice(MOST, LEAST).filter(label => SCORES[start + label] / 10000 >= UNSURE));
  }
  const rest = [];
  for (let label = 0; label < LABELS.length; label++) {
    if (SCORES[start + label] !== UNKNOWN && !NEVER[label] && !above.includes(label)) rest.push(label);
  }
  const fill = rest.sort(order).slice(0, LEAST - above.length);
  return above.concat(fill.filter(label => SCORES[start + label] / 10000 >= UNSURE));
}

const doubts = new Float64Array(COUNT).fill(-1);

// How many of an image's tags are expected to be wrong or missing, as tagger/gallery/rules.py does it.
function doubtOf(row) {
  if (doubts[row] < 0) doubts[row] = doubtNow(row);
  return doubts[row];
}

function doubtNow(row) {
  if (DATA.errors[row] || isTouched(row)) return 0;
  const tags = tagsOf(row);
  let sum = 0;
  for (let label = 0; label < LABELS.length; label++) {
    const value = SCORES[row * LABELS.length + label];
    if (value === UNKNOWN || NEVER[label]) continue;
    sum += tags.includes(PLACE[label]) ? 1 - value / 10000 : value / 10000;
  }
  return sum;
}

// Label → its tag: several labels may be renamed to one.
const PLACE = LABELS.map((_, label) => NAMES.indexOf(NAMES[label]));

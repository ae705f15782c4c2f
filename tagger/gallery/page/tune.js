// Other thresholds, and which images would gain or lose a tag by them.
const tuned = [...THRESHOLDS];
const moves = {gained: new Set(), lost: new Set(), rows: new Map(), label: -1};
const sliders = new Map();      // label → its parts
let before = null;              // what the table's own thresholds choose, per image
let turning = 0;

const isTuned = () => tuned.some((value, label) => value !== THRESHOLDS[label]);

// Whether other thresholds mean anything for an image: most have no probability between the old and the new one.
function concerns(row, label) {
  const score = SCORES[row * LABELS.length + label] / 10000;
  return (score >= THRESHOLDS[label]) !== (score >= tuned[label]);
}

function tune() {
  turning = 0;
  before ??= DATA.paths.map((_, row) => choose(row, THRESHOLDS));
  const gained = LABELS.map(() => []), lost = LABELS.map(() => []), right = LABELS.map(() => [0, 0, 0]);
  moves.rows = new Map();
  const turned = LABELS.map((_, label) => label).filter(label => tuned[label] !== THRESHOLDS[label]);
  let known = 0;
  for (let row = 0; row < COUNT; row++) {
    const was = before[row], now = turned.some(label => concerns(row, label)) ? choose(row, tuned) : was;
    if (now !== was) {
      const changes = [];
      for (const label of now) if (!was.includes(label)) { gained[label].push(row); changes.push([label, true]); }
      for (const label of was) if (!now.includes(label)) { lost[label].push(row); changes.push([label, false]); }
      if (changes.length) moves.rows.set(row, changes);
    }
    const tags = knownTags(row);
    if (!tags) continue;
    known++;
    for (let label = 0; label < LABELS.length; label++) {
      const isTag = now.includes(label), isTrue = tags.includes(PLACE[label]);
      right[label][0] += isTag && isTrue;
      right[label][1] += isTag;
      right[label][2] += isTrue;
    }
  }
  for (const [label, parts] of sliders) showMoves(label, parts, gained[label], lost[label], right[label], known);
  const {label} = moves;
  moves.gained = new Set(label < 0 ? [] : gained[label]);
  moves.lost = new Set(label < 0 ? [] : lost[label]);
  writeOptions();
  if (filter.status === 'gained' || filter.status === 'lost') refresh(true);
  else redraw();
}

function showMoves(label, {output, input, gain, loss, measured}, gained, lost, [both, tags, trues], known) {
  output.textContent = percent(tuned[label]);
  input.setAttribute('aria-valuetext', percent(tuned[label]));
  gain.textContent = `+${whole(gained.length)}`;
  loss.textContent = `−${whole(lost.length)}`;
  gain.disabled = !gained.length;
  loss.disabled = !lost.length;
  gain.setAttribute('aria-label', `${counted(gained.length, 'image')} would gain ${NAMES[label]}: show them`);
  loss.setAttribute('aria-label', `${counted(lost.length, 'image')} would lose ${NAMES[label]}: show them`);
  const share = (part, all) => all ? `${Math.round(part / all * 100)} %` : '–';
  measured.textContent = known && tags + trues ? `precision ${share(both, tags)}, recall ${share(both, trues)}` : '';
}

function showMoved(label, status) {
  moves.label = label;
  filter.status = status;
  by('status').value = status;
  tune();
  refresh();
}

function buildSliders() {
  by('tune-about').textContent = RULES
    ? `Of the run that made the table. An image gets at least ${LEAST} and at most ${MOST} of the tags that reach theirs.`
    : 'The thresholds that made this table are not known: these begin at 50 %, without a limit to the number of tags.';
  by('sliders').replaceChildren(...LABELS.map((_, label) => label).filter(label => !NEVER[label]).map(label => {
    const output = make('output'), id = `threshold-${label}`;
    const input = make('input', {type: 'range', id, min: 0, max: 1, step: 0.01, value: Math.min(1, tuned[label])});
    const gain = make('button', {type: 'button', className: 'gain'}), loss = make('button', {type: 'button', className: 'loss'});
    const measured = make('span');
    sliders.set(label, {output, input, gain, loss, measured});
    input.addEventListener('input', () => {
      tuned[label] = Number(input.value);
      turning ||= requestAnimationFrame(tune);
    });
    gain.addEventListener('click', () => showMoved(label, 'gained'));
    loss.addEventListener('click', () => showMoved(label, 'lost'));
    return make('div', {className: 'slider'}, make('label', {htmlFor: id}, make('span', {textContent: LABELS[label]}), output),
      input, make('div', {className: 'moves'}, gain, loss, measured));
  }));
}

function toggleTune(open = by('tune').hidden) {
  if (!sliders.size) buildSliders();
  by('tune').hidden = !open;
  by('tune-open').setAttribute('aria-expanded', open);
  if (open) {
    tune();
    by('tune-close').focus();
  } else by('tune-open').focus();
}

// The options that choose these thresholds, whatever the model's own ones are.
function writeOptions() {
  const own = RULES && RULES.defaults ? RULES.defaults : THRESHOLDS;
  const chosen = LABELS.map((label, place) => [label, tuned[place], place])
    .filter(([, value, place]) => !NEVER[place] && value !== own[place] && value <= 1).map(([label, value]) => `${label}=${value}`);
  by('tune-result').hidden = !isTuned();
  by('tune-options').value = chosen.map(text => `--threshold ${quoted(text)}`).join(' ');
  by('tune-toml').value = `[tag]\nthreshold = [${chosen.map(text => JSON.stringify(text)).join(', ')}]\n`;
}

function resetTune() {
  THRESHOLDS.forEach((value, label) => { tuned[label] = value; });
  for (const [label, {input}] of sliders) input.value = tuned[label];
  moves.label = -1;
  if (filter.status === 'gained' || filter.status === 'lost') {
    filter.status = by('status').value = 'all';
    tune();
    refresh();
  } else tune();
}

// A word of a command line, for the shells of Linux, macOS and Windows where no character stands in the way.
function quoted(text) {
  if (/^[\w=.,:/+-]+$/.test(text)) return text;
  return /["$`\\!%]/.test(text) ? `'${text.replaceAll("'", "'\\''")}'` : `"${text}"`;
}

async function copy(area) {
  area.select();
  try {
    await navigator.clipboard.writeText(area.value);
  } catch {
    document.execCommand('copy');
  }
}

function buildTune() {
  by('tune-open').hidden = !LABELS.length;
  by('tune-open').addEventListener('click', () => toggleTune());
  by('tune-close').addEventListener('click', () => toggleTune(false));
  by('tune-reset').addEventListener('click', resetTune);
  by('copy-options').addEventListener('click', () => copy(by('tune-options')));
  by('copy-toml').addEventListener('click', () => copy(by('tune-toml')));
}

// The large view of one image.
let viewed = -1;                // its place among those that are shown
let explained = -1;             // the label whose reasons the picture shows

function openView(place) {
  if (shown[place] === undefined) return;
  viewed = active = place;
  fillView();
  if (!by('view').open) by('view').showModal();
  by('view-close').focus();
}

const viewedRow = () => shown[viewed];

function fillView() {
  const row = viewedRow();
  explained = -1;
  const source = thumbnailOf(row), reason = DATA.errors[row] ?? DATA.missing[row];
  by('view-title').textContent = titleOf(row);
  by('view-image').hidden = !source;
  by('view-image').alt = source ? `Poster of ${titleOf(row)}` : '';
  if (source) by('view-image').src = source;
  else by('view-image').removeAttribute('src');
  by('view-missing').hidden = Boolean(source);
  by('view-missing').textContent = DATA.missing[row] ?? 'There is no picture.';
  by('view-path').textContent = DATA.paths[row];
  by('view-path').href = addressOf(row);
  by('view-error').hidden = !DATA.errors[row];
  by('view-error').textContent = DATA.errors[row] ? `Could not be tagged: ${reason}` : '';
  by('view-place').textContent = `${whole(viewed + 1)} of ${whole(shown.length)}`;
  by('view-previous').disabled = viewed === 0;
  by('view-next').disabled = viewed === shown.length - 1;
  fillTags();
}

function fillTags() {
  const row = viewedRow(), tags = tagsOf(row);
  by('view-touched').hidden = !isTouched(row);
  by('view-right').setAttribute('aria-pressed', isTouched(row));
  by('view-reset').hidden = !corrections.has(row);
  const known = DATA.truth[row];
  by('view-known').hidden = !known;
  by('view-known').textContent = known ? `Known to be right: ${known.map(tag => NAMES[tag]).join(', ') || 'no tag'}` : '';
  by('view-tags').replaceChildren(...tags.map(tag => {
    const button = make('button', {type: 'button', textContent: `${NAMES[tag]} ×`, 'aria-label': `Remove ${NAMES[tag]}`});
    button.addEventListener('click', () => {
      setTag([row], tag, false);
      by('view-add').focus();
    });
    return make('li', {}, button);
  }));
  if (!tags.length) by('view-tags').append(make('li', {className: 'note', textContent: 'none'}));
  const focused = document.activeElement?.dataset?.label;
  const labels = labelsByScore(row);
  by('view-scores').hidden = !labels.length;
  by('view-bars').replaceChildren(...labels.map(label => make('li', {}, scoreBar(row, label, tags), ...whyButton(row, label))));
  if (focused !== undefined) by('view-bars').querySelector(`[data-label="${focused}"]`)?.focus();
  showWhy(row);
}

const labelsByScore = row => LABELS.map((_, label) => label)
  .filter(label => scoreOf(row, label) !== null)
  .sort((a, b) => scoreOf(row, b) - scoreOf(row, a) || a - b);

function scoreBar(row, label, tags) {
  const score = scoreOf(row, label), threshold = tuned[label], isOn = tags.includes(PLACE[label]);
  const fill = make('i'), line = make('b');
  fill.style.width = `${score * 100}%`;
  line.style.left = `calc(${Math.min(1, threshold) * 100}% - 1px)`;
  const track = make('span', {className: 'track'}, fill);
  if (!NEVER[label] && threshold <= 1) track.append(line);
  const note = NEVER[label] ? 'never a tag' : `threshold ${percent(threshold)}`;
  const button = make('button', {type: 'button', title: note, 'aria-pressed': isOn, 'aria-label': `${LABELS[label]}, ${percent(score)}, ${note}`},
    make('span', {className: 'label', textContent: LABELS[label]}), track,
    make('span', {className: 'p', textContent: percent(score)}), make('span', {textContent: isOn ? '✓' : ''}));
  button.dataset.label = label;
  button.addEventListener('click', () => setTag([row], PLACE[label], !tagsOf(row).includes(PLACE[label])));
  return button;
}

function step(by_) {
  if (shown[viewed + by_] === undefined) return;
  viewed = active = viewed + by_;
  fillView();
}

const markRight = () => correct([viewedRow()], tags => [...tags]);

function viewKey(event) {
  const isTyping = event.target.matches('input');
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping) return false;
  if (event.key === 'ArrowLeft') step(-1);
  else if (event.key === 'ArrowRight') step(1);
  else if (event.key === 'c') markRight();
  else if (event.key === 't') by('view-add').focus();
  else if (/^[1-9]$/.test(event.key)) {
    const row = viewedRow(), label = labelsByScore(row)[Number(event.key) - 1];
    if (label !== undefined) setTag([row], PLACE[label], !tagsOf(row).includes(PLACE[label]));
  } else return false;
  return true;
}

function buildView() {
  by('view').addEventListener('keydown', event => { if (viewKey(event)) event.preventDefault(); });
  by('view').addEventListener('close', () => {
    activate(active);
    refresh(true);
    by('grid').focus();
  });
  by('view-previous').addEventListener('click', () => step(-1));
  by('view-next').addEventListener('click', () => step(1));
  by('view-right').addEventListener('click', markRight);
  by('view-reset').addEventListener('click', () => {
    correct([viewedRow()], () => undefined);
    by('view-add').focus();
  });
  by('view-add').addEventListener('keydown', event => {
    if (event.key !== 'Enter') return;
    const place = placeOf(by('view-add').value);
    if (place === null) return;
    by('view-add').value = '';
    setTag([viewedRow()], place, true);
  });
}

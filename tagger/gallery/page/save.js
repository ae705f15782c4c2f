// A table of ours with the corrections, for tagger apply and tagger train.
const cell = text => /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;

function table(rows) {
  const lines = [['path', 'tags', 'error', 'corrected', ...LABELS]];
  for (const row of rows) {
    const scores = LABELS.map((_, label) => scoreOf(row, label));
    lines.push([DATA.paths[row], tagsOf(row).map(tag => NAMES[tag]).join('|'), DATA.errors[row] ?? '', noteOf(row),
      ...scores.map(score => score === null ? '' : score.toFixed(4))]);
  }
  return lines.map(cells => `${cells.map(cell).join(',')}\n`).join('');
}

// What a person did to an image, for the column `corrected`.
function noteOf(row) {
  if (!corrections.has(row)) return DATA.corrected[row] ?? '';
  const had = DATA.tags[row], has = corrections.get(row);
  const names = tags => tags.map(tag => NAMES[tag]).join('|');
  const added = has.filter(tag => !had.includes(tag)), removed = had.filter(tag => !has.includes(tag));
  const parts = [added.length ? `added ${names(added)}` : '', removed.length ? `removed ${names(removed)}` : ''];
  return parts.filter(Boolean).join('; ') || DATA.corrected[row] || 'checked';
}

const stem = () => DATA.table.replace(/\.[^.]*$/, '').replace(/-corrected$/, '') || 'table';
const savedName = () => `${stem()}-corrected${DATA.part ? `-${DATA.part + 1}` : ''}.csv`;
const touchedRows = () => DATA.paths.map((_, row) => row).filter(isTouched);

function download(rows) {
  const address = URL.createObjectURL(new Blob([table(rows)], {type: 'text/csv;charset=utf-8'}));
  make('a', {href: address, download: savedName()}).click();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}

function openSave() {
  const count = touchedRows().length;
  by('save-about').textContent = count
    ? `You corrected ${counted(count, 'image')} of ${whole(COUNT)}. A table of these alone leaves all others to later runs.`
    : 'Nothing is corrected yet: open an image and set or remove tags, or mark them as right.';
  by('save-corrected').disabled = !count;
  by('forget').hidden = !corrections.size;
  by('save-command').textContent = `tagger apply ${quoted(savedName())} --dry-run\ntagger apply ${quoted(savedName())}`;
  by('save').showModal();
}

function buildSave() {
  by('save-open').addEventListener('click', openSave);
  by('save-corrected').addEventListener('click', () => download(touchedRows()));
  by('save-all').addEventListener('click', () => download([...DATA.paths.keys()]));
  by('forget').addEventListener('click', () => {
    correct([...corrections.keys()], () => undefined);
    by('save').close();
  });
}

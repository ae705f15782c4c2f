// Which parts of the image speak for a label, in the large view: what was covered, and how far that lowered the label.
const WHY = DATA.why;
const DARKEST = 0.78, DECIDES = 0.8, FINE = 24;
const CLEAR = 0.5;              // a fall of log-odds that is shown with the full contrast

// For each label that was explained: falls of its log-odds, without the text first, then with each square covered.
function reasonsOf(row) {
  const found = new Map();
  if (!WHY || !WHY.images[row]) return found;
  const bytes = Uint8Array.from(atob(WHY.images[row]), one => one.charCodeAt(0));
  const size = 1 + WHY.tops.length * WHY.lefts.length;
  for (let at = 0; at < bytes.length; at += size + 2) {
    found.set(bytes[at] | (bytes[at + 1] << 8), Array.from(bytes.subarray(at + 2, at + 2 + size), byte => (byte - 128) / 32));
  }
  return found;
}

function whyButton(row, label) {
  if (!WHY) return [];
  if (!reasonsOf(row).has(label)) return [make('span', {className: 'not'})];
  const button = make('button', {
    type: 'button', className: 'not', textContent: 'why', 'aria-label': `Why ${LABELS[label]}`, 'aria-pressed': explained === label,
  });
  button.addEventListener('click', () => {
    explained = explained === label ? -1 : label;
    for (const other of by('view-bars').querySelectorAll('.not')) if (other.type) other.setAttribute('aria-pressed', other === button && explained >= 0);
    showWhy(row);
  });
  return [button];
}

function showWhy(row) {
  by('view-explain').hidden = Boolean(WHY) || Boolean(DATA.errors[row]) || !LABELS.length;
  by('view-command').textContent = `tagger explain ${quoted(commandPath(row))} -o why.html`;
  const falls = reasonsOf(row).get(explained);
  const isShown = Boolean(falls && thumbnailOf(row));
  by('view-lit').hidden = by('view-why').hidden = !isShown;
  by('view-image').hidden = isShown || !thumbnailOf(row);
  if (!isShown) return;
  const [withoutText, ...squares] = falls;
  const most = squares.indexOf(Math.max(...squares));
  const says = sentence(scoreOf(row, explained), squares[most], partName(most), withoutText);
  by('view-why').textContent = `${LABELS[explained]}: ${says}`;
  by('view-lit').setAttribute('aria-label', `${titleOf(row)}; ${by('view-why').textContent}`);
  light(squares, most, without(scoreOf(row, explained), squares[most]) < DECIDES * scoreOf(row, explained));
}

// A path as somebody types it in the folder in which the table was made.
function commandPath(row) {
  const path = DATA.paths[row], isWhole = path.startsWith('/') || /^[A-Za-z]:/.test(path);
  const whole = DATA.folder && !isWhole ? DATA.folder.replace(/[/\\]$/, '') + DATA.separator + path : path;
  return whole.startsWith('-') ? `.${DATA.separator}${whole}` : whole;
}

function without(score, fall) {
  const sure = Math.min(0.9999, Math.max(0.0001, score));
  return 1 / (1 + Math.exp(fall - Math.log(sure / (1 - sure))));
}

function sentence(score, fall, part, withoutText) {
  const left = without(score, fall);
  const about = left < DECIDES * score ? `mostly the ${part}; without it ${percent(left)}`
    : `no single part decides; without the ${part} ${percent(left)}`;
  return withoutText ? `${about}; without its text ${percent(without(score, withoutText))}.` : `${about}.`;
}

function corner(place) {
  return [WHY.tops[Math.floor(place / WHY.lefts.length)], WHY.lefts[place % WHY.lefts.length]];
}

function partName(place) {
  const [top, left] = corner(place);
  const third = (start, size) => Math.min(2, Math.floor((start + Math.min(1, start + size)) / 2 * 3));
  return [['top', '', 'bottom'][third(top, WHY.height)], ['left', '', 'right'][third(left, WHY.width)]].filter(Boolean).join(' ') || 'centre';
}

// The picture, darker where nothing speaks for the label; a frame around the part that decides.
function light(squares, most, isDecided) {
  const image = by('view-image'), canvas = by('view-lit');
  if (!image.complete || !image.naturalWidth) {
    image.addEventListener('load', () => showWhy(viewedRow()), {once: true});
    return;
  }
  const scale = 2, width = canvas.width = image.naturalWidth * scale, height = canvas.height = image.naturalHeight * scale;
  const drawing = canvas.getContext('2d');
  drawing.imageSmoothingQuality = 'high';
  drawing.drawImage(image, 0, 0, width, height);
  drawing.drawImage(shade(squares), 0, 0, width, height);
  if (!isDecided) return;
  const [top, left] = corner(most);
  drawing.lineWidth = 2 * scale;
  drawing.strokeStyle = '#ffb020';
  drawing.strokeRect(left * width + scale, top * height + scale, WHY.width * width - 2 * scale, WHY.height * height - 2 * scale);
}

function shade(squares) {
  const heat = new Float64Array(FINE * FINE);
  for (let y = 0; y < FINE; y++) {
    for (let x = 0; x < FINE; x++) {
      let sum = 0, count = 0;
      squares.forEach((fall, place) => {
        const [top, left] = corner(place), down = (y + 0.5) / FINE - top, across = (x + 0.5) / FINE - left;
        if (down < 0 || across < 0 || down > WHY.height || across > WHY.width) return;
        sum += fall;
        count++;
      });
      heat[y * FINE + x] = count ? Math.max(0, sum / count) : 0;
    }
  }
  const most = Math.max(...heat) || 1, contrast = DARKEST * Math.min(1, most / CLEAR);
  const small = make('canvas', {width: FINE, height: FINE}), drawing = small.getContext('2d');
  const pixels = drawing.createImageData(FINE, FINE);
  heat.forEach((value, place) => { pixels.data[place * 4 + 3] = 255 * contrast * (1 - value / most); });
  drawing.putImageData(pixels, 0, 0);
  return small;
}

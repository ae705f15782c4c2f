// What the page shows, as tagger/gallery/content.py writes it:
//   paths, titles         one text an image
//   tags                  for each image the places of its tags in `names`
//   names                 of tags: those of the labels first, in their order, then all others
//   scores                base64 of one number an image and label, 16 bits, little end first, in ten-thousandths
//   small                 for each image an address of its thumbnail, or the name of a file in `thumbnails`
//   errors, missing       image → why it was not tagged, or has no thumbnail
//   corrected             image → what an earlier gallery noted of a person's corrections
//   truth                 image → places of the tags that are known to be right
//   why                   null if not asked for; where covered squares lie, as shares of height and width, and
//                         for each image what tagger/explain/maps.py found
//   rules                 null if the table's thresholds are not known
const DATA = JSON.parse(document.getElementById('data').textContent);
const COUNT = DATA.paths.length;
const LABELS = DATA.labels;
const NAMES = DATA.names;
const UNKNOWN = 0xffff;
const SCORES = numbers(DATA.scores);
const RULES = DATA.rules;

const by = id => document.getElementById(id);
const digits = new Intl.NumberFormat('en');
const whole = number => digits.format(number);
const counted = (number, noun) => `${whole(number)} ${noun}${number === 1 ? '' : 's'}`;

function numbers(base64) {
  const raw = atob(base64);
  const found = new Uint16Array(raw.length / 2);
  for (let i = 0; i < found.length; i++) found[i] = raw.charCodeAt(2 * i) | (raw.charCodeAt(2 * i + 1) << 8);
  return found;
}

// An element with properties and children; text is always text.
function make(kind, properties = {}, ...children) {
  const made = document.createElement(kind);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes('-') || key === 'role') made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children);
  return made;
}

// The probability of a label for an image, 0 to 1; null if the table has none.
function scoreOf(row, label) {
  const value = SCORES[row * LABELS.length + label];
  return value === undefined || value === UNKNOWN ? null : value / 10000;
}

const percent = score => score === null ? '–' : `${(score * 100).toFixed(score < 0.0995 ? 1 : 0)} %`;

function titleOf(row) {
  if (DATA.titles[row]) return DATA.titles[row];
  const path = DATA.paths[row];
  return path.slice(path.lastIndexOf(DATA.separator) + 1);
}

function thumbnailOf(row) {
  const small = DATA.small[row];
  if (!small || DATA.thumbnails === null) return small;
  return `${DATA.thumbnails}${small}.jpg`;
}

// The address of the image itself. A name's bytes that are not UTF-8 are written \xHH in the table.
function addressOf(row) {
  const names = DATA.paths[row].split(DATA.separator === '\\' ? /\\(?!x[0-9a-fA-F]{2})/ : '/');
  const coded = names.map(name => name.split(/(\\x[0-9a-fA-F]{2})/)
    .map((part, at) => at % 2 ? `%${part.slice(2)}` : encodeURIComponent(part)).join('')).join('/');
  if (coded.startsWith('/')) return `file://${coded}`;
  return /^[A-Za-z]%3A\//.test(coded) ? `file:///${coded.replace('%3A', ':')}` : DATA.images + coded;
}

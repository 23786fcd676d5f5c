// What a change makes of the configuration file, line by line.
import { button } from './controls.js';
import { fill, h } from './dom.js';

/** The lines of two texts in one order, each with ` `, `-` or `+` for what became of it. */
function diff(before, after) {
  const [left, right] = [linesOf(before), linesOf(after)];
  const common = lengths(left, right);
  const lines = [];
  let [x, y] = [0, 0];
  while (x < left.length || y < right.length) {
    if (x < left.length && y < right.length && left[x] === right[y]) {
      lines.push([' ', left[x]]);
      x += 1;
      y += 1;
    } else if (y === right.length || (x < left.length && common[x + 1][y] >= common[x][y + 1])) {
      lines.push(['-', left[x]]);
      x += 1;
    } else {
      lines.push(['+', right[y]]);
      y += 1;
    }
  }
  return lines;
}

const linesOf = (text) => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));

/** How many lines are in common from each pair of places on. */
function lengths(left, right) {
  const table = Array.from({ length: left.length + 1 }, () => new Array(right.length + 1).fill(0));
  for (let x = left.length - 1; x >= 0; x -= 1) {
    for (let y = right.length - 1; y >= 0; y -= 1) {
      table[x][y] = left[x] === right[y] ? table[x + 1][y + 1] + 1 : Math.max(table[x + 1][y], table[x][y + 1]);
    }
  }
  return table;
}

/** A place for the preview of a change. */
export class Preview {
  element = h('div', { role: 'status' });

  /**
   * A button that shows what `ask(values)`, `{ before, after }` as the API has them, says that saving would change, until
   * something else is typed; its errors go where those of `form()` go.
   */
  button(form, ask) {
    return button('Show the change', (event) => form().run(async (values) => {
      let isOutdated = false;
      form().element.addEventListener('input', () => {
        isOutdated = true;
        fill(this.element);
      }, { once: true });
      const change = await ask(values);
      if (!isOutdated) this.#show(change);
    }, event.currentTarget));
  }

  #show({ before, after }) {
    if (before === after) {
      fill(this.element, h('p', { class: 'hint' }, 'The file would stay as it is.'));
      return;
    }
    fill(this.element, h('h3', {}, 'What changes in kenwell.toml'),
      h('pre', { class: 'diff', tabindex: '0', role: 'region', 'aria-label': 'What changes in kenwell.toml' },
        diff(before, after).map(([sign, text]) => h('span', { class: SIGNS[sign] }, `${sign} ${text}\n`))));
  }
}

const SIGNS = { ' ': 'same', '-': 'gone', '+': 'new' };

// Buttons, links that look like them, and copying.
import { fill, h, say } from './dom.js';
import { toast } from './notice.js';
import { count } from './numbers.js';

/** A button; `kind` is `primary`, `danger`, `quiet` or nothing. */
export function button(text, onclick, { kind = '', ...attributes } = {}) {
  return h('button', { type: 'button', class: `button ${kind}`.trim(), ...(onclick ? { onclick } : {}), ...attributes }, text);
}

/** Shows a number beside a name; nothing while it is 0. `words` say what the number is to those who only hear it. */
export function tally(place, number, words) {
  if (place.dataset.number === String(number)) return;
  place.dataset.number = number;
  fill(place, count(number), h('span', { class: 'unseen' }, ` ${words}`));
  place.hidden = number === 0;
}

/** A submit button. */
export const submit = (text, kind = 'primary') => button(text, null, { type: 'submit', kind });

/** A link that looks like a button. */
export function linkButton(text, href, kind = '') {
  return h('a', { class: `button ${kind}`.trim(), href }, text);
}

/**
 * Runs `task` once at a time for this button. The button keeps its focus while it works: a disabled one would lose it.
 * What the task throws goes to `failed`.
 */
export async function busy(element, task, failed) {
  if (element.getAttribute('aria-disabled') === 'true') return;
  if (element.classList.contains('edits') && document.documentElement.hasAttribute('data-read-only')) {
    toast('Changes are off: the configuration file cannot be written.');
    return;
  }
  element.setAttribute('aria-disabled', 'true');
  element.setAttribute('aria-busy', 'true');
  try {
    await task();
  } catch (error) {
    failed(error);
  } finally {
    element.removeAttribute('aria-busy');
    element.removeAttribute('aria-disabled');
  }
}

/** A button that shows personal values and hides them again; `mask(isMasked)` does it. */
export function revealButton(mask, kind = '') {
  let masked = true;
  const reveal = button('Show personal values', () => {
    masked = !masked;
    say(reveal, masked ? 'Show personal values' : 'Hide personal values');
    reveal.setAttribute('aria-pressed', String(!masked));
    mask(masked);
  }, { kind, 'aria-pressed': 'false' });
  return reveal;
}

/** A button that copies what `text()` gives, and says so. */
export function copyButton(what, text) {
  return button('Copy', async (event) => {
    const element = event.currentTarget;
    try {
      await copy(text());
      say(element, 'Copied');
      toast(`${what} copied.`);
      setTimeout(() => say(element, 'Copy'), 2000);
    } catch {
      toast(`This browser does not allow copying; select the text instead.`);
    }
  }, { kind: 'quiet small copy', 'aria-label': `Copy ${what}` });
}

/** The clipboard interface exists only on secure origins; elsewhere the old command does it. */
async function copy(text) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const area = h('textarea', { class: 'unseen', value: text, 'aria-hidden': 'true' });
  document.body.append(area);
  const before = document.activeElement;
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  before?.focus();
  if (!done) throw new Error('not copied');
}

/** Text in a fixed-width box, with a button that copies it. */
export function codeBlock(what, text) {
  const code = h('code', {}, text);
  const element = h('div', { class: 'code' },
    h('pre', { tabindex: '0', role: 'region', 'aria-label': what }, code), copyButton(what, () => code.textContent));
  return { element, update: (next) => say(code, next) };
}

/** A row of tabs; `show(name)` fills the panel. */
export function tabs(label, names, show) {
  const panel = h('div', { class: 'panel', role: 'tabpanel', tabindex: '0' });
  const list = h('div', { class: 'tabs', role: 'tablist', 'aria-label': label });
  const all = names.map((name) => h('button', {
    type: 'button', role: 'tab', class: 'tab', onclick: () => select(name), onkeydown: move,
  }, name));
  list.append(...all);

  function select(name) {
    for (const tab of all) {
      const isChosen = tab.textContent === name;
      tab.setAttribute('aria-selected', String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
    }
    panel.setAttribute('aria-label', name);
    show(name, panel);
  }

  function move(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = all[(all.indexOf(event.currentTarget) + step + all.length) % all.length];
    select(next.textContent);
    next.focus();
  }

  select(names[0]);
  return h('div', {}, list, panel);
}

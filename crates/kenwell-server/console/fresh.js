// Keeping what a page shows of the configuration up to date, without throwing away what somebody is typing.
import { onChange } from './configuration.js';
import { button } from './controls.js';
import { h } from './dom.js';
import { box } from './notice.js';

/**
 * Loads `place` again when the file becomes another one. Where something was typed, and `isOutdated()` resolves to true, it
 * says so and leaves the choice to the person. Gives back the function that loads on request and keeps the focus where it was.
 */
export function keepFresh(page, place, load, isOutdated) {
  let isTouched = false;
  place.addEventListener('input', () => { isTouched = true; });

  async function reload() {
    const focused = place.contains(document.activeElement) ? document.activeElement : null;
    await load();
    isTouched = false;
    if (focused && !focused.isConnected) twin(place, focused)?.focus();
  }

  onChange(page.signal, async () => {
    try {
      if (!isTouched) await reload();
      else if (await isOutdated() && !place.querySelector('.stale')) place.prepend(stale(reload));
    } catch {
      // The next change of the file looks again, and saving says what is wrong.
    }
  });
  return reload;
}

function stale(reload) {
  return h('div', { class: 'stale', role: 'status' }, box('warn',
    h('p', {}, 'This has been changed meanwhile, here or in the file. What stands below is out of date, and saving it is refused.'),
    h('div', { class: 'actions' }, button('Load again', () => reload().catch(() => {}), { kind: 'small' }))));
}

/** The element that now stands for one that was replaced: the same control, or else the place's heading. */
function twin(place, old) {
  const same = old.name
    ? place.querySelector(`${old.localName}[name="${CSS.escape(old.name)}"]`)
    : [...place.querySelectorAll(old.localName)].find((element) => element.textContent === old.textContent);
  return same ?? place.querySelector('button, h2');
}

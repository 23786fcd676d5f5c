// Light, dark, or as the system has it; a classic script, so that it acts before the first paint.
(() => {
  const NAMES = ['system', 'light', 'dark'];
  const KEY = 'kenwell.theme';

  /** What was chosen earlier; a browser that keeps nothing follows the system. */
  function chosen() {
    try {
      const name = localStorage.getItem(KEY);
      return NAMES.includes(name) ? name : 'system';
    } catch {
      return 'system';
    }
  }

  function keep(name) {
    try {
      localStorage.setItem(KEY, name);
    } catch {
      // The choice then lasts as long as the page does.
    }
  }

  function apply(name) {
    document.documentElement.dataset.theme = name;
    const button = document.getElementById('theme');
    if (button) button.textContent = `Theme: ${name}`;
  }

  let now = chosen();
  apply(now);
  document.addEventListener('DOMContentLoaded', () => {
    apply(now);
    document.getElementById('theme').addEventListener('click', () => {
      now = NAMES[(NAMES.indexOf(now) + 1) % NAMES.length];
      keep(now);
      apply(now);
    });
  });
})();

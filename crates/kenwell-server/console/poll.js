// Asking again and again, but only while somebody looks.

/** Resolves after a while, or at once when the page is left. */
function pause(seconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}

/** Resolves as soon as the tab can be seen. */
function visible(signal) {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => { if (!document.hidden || signal.aborted) resolve(); };
    document.addEventListener('visibilitychange', done, { signal });
    signal.addEventListener('abort', resolve, { once: true });
  });
}

/**
 * Runs `task` now and then every so many seconds until `signal` is aborted. One run ends before the next begins. What it
 * throws goes to `failed`. Resolves after the first run.
 */
export function every(seconds, signal, task, failed = () => {}) {
  const run = async () => {
    try {
      await task();
    } catch (error) {
      if (!signal.aborted) failed(error);
    }
  };
  const goOn = async () => {
    while (!signal.aborted) {
      await pause(seconds, signal);
      await visible(signal);
      if (!signal.aborted) await run();
    }
  };
  const first = run();
  first.then(goOn);
  return first;
}

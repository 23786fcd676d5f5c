// Asking again and again, but only while somebody looks, and showing the newest answer.

/** Resolves after a while, or at once when the page is left; leaves nothing behind. */
function pause(seconds, signal) {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, seconds * 1000);
    signal.addEventListener('abort', end);
  });
}

/** Resolves as soon as the tab can be seen, or the page is left; leaves nothing behind. */
function visible(signal) {
  if (!document.hidden || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const look = () => {
      if (document.hidden && !signal.aborted) return;
      document.removeEventListener('visibilitychange', look);
      signal.removeEventListener('abort', look);
      resolve();
    };
    document.addEventListener('visibilitychange', look);
    signal.addEventListener('abort', look);
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

/**
 * A task that shows what `ask(signal)` resolves to. Begun again, it gives up what was asked before: answers may come in another
 * order than they were asked for. It throws what `ask` throws, but nothing once `signal`, the page's, is aborted. Its `forget()`
 * only gives up what was asked, when something newer is shown already.
 */
export function newest(signal, ask, show) {
  let current = new AbortController();
  const forget = () => {
    current.abort();
    current = new AbortController();
  };
  const again = async () => {
    forget();
    const mine = AbortSignal.any([signal, current.signal]);
    try {
      const answer = await ask(mine);
      if (!mine.aborted) show(answer);
    } catch (error) {
      if (!mine.aborted) throw error;
    }
  };
  return Object.assign(again, { forget });
}

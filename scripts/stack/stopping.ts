/** Ending a program that runs a stack in good order, whatever ends it. */

/** Exit codes of a program that a signal ended, as shells have them. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** Somebody asked the program to stop. */
export class Stopped extends Error {
  override readonly name = "Stopped";
  readonly exitCode: number;

  constructor(signal: keyof typeof SIGNALS) {
    super(`Stopped by ${signal}.`);
    this.exitCode = SIGNALS[signal];
  }
}

/**
 * Aborts with {@linkcode Stopped} when the program is told to stop (Ctrl-C, the terminal closes, `kill`), or with the error
 * that nobody handled. Told a second time, the program ends at once.
 */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, () => {
      if (controller.signal.aborted) Deno.exit(SIGNALS[signal]);
      controller.abort(new Stopped(signal));
    });
  }
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    controller.abort(event.reason);
  });
  return controller.signal;
}

/** What the work comes to; throws as soon as the program is told to stop or the stack has lost its database. */
export async function unlessEnded<T>(
  work: Promise<T>,
  signal: AbortSignal,
  lost: Promise<Error> | undefined = undefined,
): Promise<T> {
  const ended = Promise.withResolvers<never>();
  const stop = (): void => ended.reject(signal.reason);
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop);
  lost?.then(ended.reject);
  // Whichever comes second is of no interest any more.
  work.catch(() => {});
  ended.promise.catch(() => {});
  try {
    return await Promise.race([work, ended.promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

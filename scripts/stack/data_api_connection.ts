import type { PostgresConnection } from "@supabase/lite/postgres";
import type postgres from "postgres";

/** Sets one setting for the transaction: to its only argument, or to nothing. */
const SETS_ONE = /^SELECT set_config\('([a-z_.]+)', (\$1|''), true\)$/;

/** A setting that a transaction has yet to be told. */
type Setting = readonly [name: string, value: string];

/**
 * Before each request the library tells the transaction nine settings, a statement and two ways to the database for each of
 * them. This tells all of them at once, together with the first statement that is none.
 */
export function tellSettingsAtOnce(driver: postgres.Sql): void {
  const reserve = driver.reserve.bind(driver);
  driver.reserve = async () => {
    const reserved = await reserve();
    const unsafe = reserved.unsafe.bind(reserved);
    let settings: Setting[] = [];
    const told = async (): Promise<void> => {
      if (settings.length === 0) return;
      const calls = settings.map((_, i) => `set_config($${2 * i + 1}, $${2 * i + 2}, true)`);
      const told = unsafe(`select ${calls.join(", ")}`, settings.flat(), { prepare: true });
      settings = [];
      await told;
    };
    const gathering = (query: string, ...rest: unknown[]): unknown => {
      const setting = SETS_ONE.exec(query);
      if (setting !== null) {
        const [values] = rest as [values?: readonly string[]];
        settings.push([setting[1] ?? "", setting[2] === "$1" ? values?.[0] ?? "" : ""]);
        return Promise.resolve(Object.assign([{}], { command: "SELECT", count: 1 }));
      }
      const ask = (): unknown => Reflect.apply(unsafe, reserved, [query, ...rest]);
      return settings.length === 0 ? ask() : told().then(ask);
    };
    Reflect.set(reserved, "unsafe", gathering);
    return reserved;
  };
}

/**
 * Leaves out the columns of schemas that are not exposed: the library goes through all there are at every request, and of
 * what is not exposed it may tell nothing anyway.
 */
export function seeOnly(connection: PostgresConnection, schemas: readonly string[]): void {
  const introspect = connection.introspect.bind(connection);
  const seen = new WeakMap<object, ReturnType<typeof introspect>>();
  connection.introspect = async (options): ReturnType<typeof introspect> => {
    const all = await introspect(options);
    const exposed = seen.get(all) ??
      Promise.resolve({
        ...all,
        columns: all.columns.filter(({ schema }) => schemas.includes(schema ?? "public")),
      });
    seen.set(all, exposed);
    return await exposed;
  };
}

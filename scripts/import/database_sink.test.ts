import { assertEquals, assertRejects } from "@std/assert/mod.js";
import { connect } from "../stack/database.ts";
import { createTestDatabase, testOnEachTarget } from "../testing/databases.ts";
import { withFile } from "../testing/import/freqtrade_exports.ts";
import { PLAIN } from "../testing/import/tables.ts";
import { planImport, runImport } from "./csv/import.ts";
import { DatabaseSink, startSharesIn } from "./database_sink.ts";

testOnEachTarget(
  "an import goes straight into a database, its dimensions first, and once however often it is repeated",
  async (target) => {
    await using database = await createTestDatabase(target, "sql");
    const open = (): DatabaseSink => new DatabaseSink(connect(database.databaseUrl, { max: 1 }));
    await withFile("trades.csv", PLAIN, async (path) => {
      const plan = await planImport(path, { columns: {} }, () => "UTC");
      const first = await runImport(plan, open());
      assertEquals([first.imported, first.written, first.known], [3, 10, 0]);
      const second = await runImport(plan, open());
      assertEquals([second.imported, second.written, second.known], [3, 0, 10]);
    });
    const dims = await database.sql`select dim from scope_dimensions where bit >= 17 order by bit`;
    assertEquals(dims.map((row) => row["dim"]), [
      "strategy",
      "pair",
      "side",
      "enter_tag",
      "session",
      "weekday",
      "grade",
      "regime",
    ]);
    const pending = await database
      .sql`select count(*)::integer as n from strand_receipts where status = 'pending'`;
    assertEquals(pending[0]?.["n"], 9);
    assertEquals(await startSharesIn(database.sql), { "15m": 0.15, "1h": 0.5, "4h": 0.35 });
    await database.sql`
    insert into learning_configs (module_id, config_data)
    values ('decision_maker', '{"start_shares": {"5m": 0.5, "1h": 0.5}}')`;
    assertEquals(await startSharesIn(database.sql), { "5m": 0.5, "1h": 0.5 });
    const sink = open();
    await database.sql`alter table ad_strands add constraint none_of_these check (id <> 'x')`;
    await sink.add({ id: "x", kind: "note" });
    await assertRejects(() => sink.close(), Error, '1 strands from "x" to "x" were not stored');
    await sink.abandon();
  },
);

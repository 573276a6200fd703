import { connect } from "../stack/database.ts";
import type { Proof } from "./proof.ts";

/** Keeps a proof in a database, where health and `flags.require_proof` find it. */
export async function keepProof(url: string, proof: Proof): Promise<void> {
  const sql = connect(url, { max: 1, applicationName: "edgeloop prove" });
  try {
    const { ways, curves: _, ...report } = proof;
    await sql`
      insert into learning_proofs (source, from_at, to_at, decisions, config, config_version, release, ways, verdict, report)
      values (${proof.source}, ${proof.from}, ${proof.to}, ${proof.decisions}, ${
      JSON.stringify(proof.config)
    }::text::jsonb,
        ${proof.config_version}, ${proof.release}, ${JSON.stringify(ways)}::text::jsonb, ${proof.verdict},
        ${JSON.stringify(report)}::text::jsonb)`;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

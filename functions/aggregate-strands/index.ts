import { serveWithSecret } from "../_shared/http/serve.ts";
import { aggregateStrands } from "../_shared/strands/aggregate.ts";

export default { fetch: serveWithSecret("aggregate-strands", (store) => aggregateStrands(store)) };

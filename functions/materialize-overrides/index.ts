import { materializeOverrides } from "../_shared/overrides/materialize.ts";
import { serveWithSecret } from "../_shared/runtime/serve.ts";

export default { fetch: serveWithSecret("materialize-overrides", (store) => materializeOverrides(store)) };

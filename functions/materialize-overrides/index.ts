import { materializeOverrides } from "../_shared/overrides/materialize.ts";
import { serveWithSecret } from "../_shared/http/serve.ts";

export default { fetch: serveWithSecret("materialize-overrides", (store) => materializeOverrides(store)) };

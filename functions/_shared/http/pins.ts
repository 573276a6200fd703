/**
 * What the libraries of a function ask for by a range, imported by its exact version. A deployment reads no lock file: the
 * platform takes the version that the import map names for what a module imports, and the newest that fits for all else.
 *
 * @module
 */

import "@supabase/middleware";
import "@supabase/supabase-js";
import "iceberg-js";
import "jose";
import "std-env";

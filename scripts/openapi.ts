/**
 * What can be asked over the data API, for clients in languages that have none here: the RPCs of `public` that whoever has
 * signed in may call, written down as OpenAPI from the catalogue.
 *
 * @module
 */

import { z } from "zod";
import type { Database } from "./stack/database.ts";

export const OPENAPI_FILE = new URL("../supabase/clients/openapi.json", import.meta.url);

type Schema = Readonly<Record<string, unknown>>;

const argumentSchema = z.object({ name: z.string(), type: z.string(), required: z.boolean() });
const columnSchema = z.object({ name: z.string(), type: z.string(), description: z.string().nullable() });
const routineSchema = z.object({
  name: z.string(),
  description: z.string().nullable(),
  arguments: z.array(argumentSchema),
  returns: z.string(),
  is_set: z.boolean(),
  is_composite: z.boolean(),
  is_volatile: z.boolean(),
});
const typeSchema = z.object({
  name: z.string(),
  description: z.string().nullable(),
  columns: z.array(columnSchema),
});

/** By the names that the catalogue gives them. Numbers that JSON cannot hold do not occur. */
const SCHEMAS: Readonly<Record<string, Schema>> = {
  text: { type: "string" },
  uuid: { type: "string", format: "uuid" },
  boolean: { type: "boolean" },
  smallint: { type: "integer" },
  integer: { type: "integer", format: "int32" },
  bigint: { type: "integer", format: "int64" },
  "double precision": { type: "number", format: "double" },
  numeric: { type: "number" },
  "timestamp with time zone": { type: "string", format: "date-time" },
  date: { type: "string", format: "date" },
  jsonb: {},
};

function schemaOf(type: string): Schema {
  if (type.endsWith("[]")) return { type: "array", items: schemaOf(type.slice(0, -2)) };
  const schema = SCHEMAS[type];
  if (schema === undefined) {
    throw new Error(`openapi.ts does not know how the type ${type} travels; add it to SCHEMAS.`);
  }
  return schema;
}

/** A column may be null, whatever its type: the catalogue of composite types does not say that it never is. */
function columnSchemaOf({ type, description }: z.infer<typeof columnSchema>): Schema {
  const schema = schemaOf(type);
  return {
    ...("type" in schema ? { ...schema, type: [schema["type"], "null"] } : schema),
    ...(description === null ? {} : { description }),
  };
}

/** jsonb arguments are objects, but for a batch, which is a list of them. */
function argumentSchemaOf({ name, type }: z.infer<typeof argumentSchema>): Schema {
  if (type !== "jsonb") return schemaOf(type);
  return name === "candidates" ? { type: "array", items: { type: "object" } } : { type: "object" };
}

async function readRoutines(sql: Database): Promise<z.infer<typeof routineSchema>[]> {
  return z.array(routineSchema).parse(
    await sql`
      select routine.proname as name, pg_catalog.obj_description(routine.oid, 'pg_proc') as description,
        coalesce((
          select jsonb_agg(jsonb_build_object(
            'name', argument.name,
            'type', pg_catalog.format_type(argument.type, null),
            'required', argument.place <= routine.pronargs - routine.pronargdefaults
          ) order by argument.place)
          from unnest(routine.proargnames, routine.proargtypes::oid[]) with ordinality as argument(name, type, place)
          where argument.type is not null
        ), '[]') as arguments,
        replace(pg_catalog.format_type(routine.prorettype, null), 'public.', '') as returns,
        routine.proretset as is_set, returned.typtype = 'c' as is_composite, routine.provolatile = 'v' as is_volatile
      from pg_catalog.pg_proc as routine
      join pg_catalog.pg_type as returned on returned.oid = routine.prorettype
      where routine.pronamespace = 'public'::regnamespace and routine.prokind = 'f'
        and pg_catalog.has_function_privilege('authenticated', routine.oid, 'execute')
        and not exists (
          select from pg_catalog.pg_depend as dependency
          where dependency.objid = routine.oid and dependency.deptype = 'e'
        )
      order by routine.proname`,
  );
}

async function readTypes(sql: Database, names: readonly string[]): Promise<z.infer<typeof typeSchema>[]> {
  return z.array(typeSchema).parse(
    await sql`
      select class.relname as name, pg_catalog.obj_description(class.reltype, 'pg_type') as description,
        jsonb_agg(jsonb_build_object(
          'name', attribute.attname,
          'type', pg_catalog.format_type(attribute.atttypid, null),
          'description', pg_catalog.col_description(class.oid, attribute.attnum)
        ) order by attribute.attnum) as columns
      from pg_catalog.pg_class as class
      join pg_catalog.pg_attribute as attribute
        on attribute.attrelid = class.oid and attribute.attnum > 0 and not attribute.attisdropped
      where class.relnamespace = 'public'::regnamespace and class.relname = any(${[...names]})
      group by class.oid, class.relname, class.reltype
      order by class.relname`,
  );
}

function operationOf(routine: z.infer<typeof routineSchema>): Schema {
  const row = routine.is_composite
    ? { $ref: `#/components/schemas/${routine.returns}` }
    : schemaOf(routine.returns);
  const [summary = routine.name] = (routine.description ?? routine.name).split(/(?<=[.:;])\s/);
  return {
    post: {
      operationId: routine.name,
      summary,
      ...(routine.description === null ? {} : { description: routine.description }),
      requestBody: {
        required: routine.arguments.some(({ required }) => required),
        content: {
          "application/json": {
            schema: {
              type: "object",
              properties: Object.fromEntries(
                routine.arguments.map((argument) => [argument.name, argumentSchemaOf(argument)]),
              ),
              required: routine.arguments.filter(({ required }) => required).map(({ name }) => name),
            },
          },
        },
      },
      responses: {
        200: {
          description: routine.is_volatile ? "The answer; it was recorded." : "The answer.",
          content: { "application/json": { schema: routine.is_set ? { type: "array", items: row } : row } },
        },
        default: {
          description: "Why there is none.",
          content: { "application/json": { schema: { $ref: "#/components/schemas/error" } } },
        },
      },
    },
  };
}

/** The document for a database to which the migrations were pushed, as text. */
export async function generateOpenApi(sql: Database): Promise<string> {
  const routines = await readRoutines(sql);
  const types = await readTypes(
    sql,
    routines.filter((each) => each.is_composite).map(({ returns }) => returns),
  );
  const document = {
    openapi: "3.1.0",
    info: {
      title: "Edgeloop",
      version: "1",
      description:
        "How large the next action should be, and what else a trading system asks. Generated from the database " +
        "by `deno task gen:types`; do not edit.",
    },
    servers: [{ url: "{project}/rest/v1", variables: { project: { default: "http://127.0.0.1:54321" } } }],
    security: [{ key: [] }, { key: [], token: [] }],
    paths: Object.fromEntries(routines.map((routine) => [`/rpc/${routine.name}`, operationOf(routine)])),
    components: {
      securitySchemes: {
        key: {
          type: "apiKey",
          in: "header",
          name: "apikey",
          description: "The secret key, or the publishable one.",
        },
        token: {
          type: "http",
          scheme: "bearer",
          description: "Of somebody who signed in, beside the publishable key.",
        },
      },
      schemas: {
        ...Object.fromEntries(types.map(({ name, description, columns }) => [name, {
          type: "object",
          ...(description === null ? {} : { description }),
          properties: Object.fromEntries(columns.map((column) => [column.name, columnSchemaOf(column)])),
          required: columns.map((column) => column.name),
        }])),
        error: {
          type: "object",
          properties: {
            code: {
              type: "string",
              description: "SQLSTATE: 22023 for what is malformed, 42501 for what is not allowed.",
            },
            message: { type: "string" },
            details: { type: ["string", "null"] },
            hint: { type: ["string", "null"] },
          },
        },
      },
    },
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}
